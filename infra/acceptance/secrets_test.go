package acceptance_test

import (
	"bytes"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// secrets collects what must never be written down, and where each came from.
type secrets map[string]string

func (s secrets) add(what, value string) {
	if len(value) >= 8 { // shorter strings occur by chance
		s[value] = what
	}
}

// addGrant notes what a form signs with.
func (s secrets) addGrant(a asset) {
	if a.Upload == nil {
		return
	}
	for name, value := range a.Upload.Fields {
		if n := strings.ToLower(name); n == "policy" || n == "x-amz-signature" || n == "x-amz-security-token" {
			s.add("the form's "+name, value)
		}
	}
}

// addLink notes the token of a link and the signature of the address behind it.
func (s secrets) addLink(t *testing.T, c *client, link string) {
	t.Helper()
	s.add("a link's token", link[strings.LastIndex(link, "/")+1:])
	follow := *c.http
	follow.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := follow.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	to, err := resp.Location()
	if err != nil {
		t.Fatalf("GET %s = %d: %v", link, resp.StatusCode, err)
	}
	s.add("a signature", to.Query().Get("X-Amz-Signature"))
}

// find tells which of the secrets occur in a text.
func (s secrets) find(text []byte) []string {
	var found []string
	for value, what := range s {
		if bytes.Contains(text, []byte(value)) {
			found = append(found, what)
		}
	}
	return found
}

// TestSecretsAreNeverWrittenDown uses keys, links and signed forms rightly and wrongly, and then reads everything the stack has written:
// its logs, and every file of its folder, the events on their way included.
func TestSecretsAreNeverWrittenDown(t *testing.T) {
	s := start(t, t.TempDir())
	s.await(t, startLimit, "it prints a curl line", func() bool { return len(curlLines(s.stdout.String())) > 0 })
	banner := len(s.stdout.String()) // shows the key to the person who started the stack, once
	c := newClient(s)
	known := secrets{}
	known.add("the key", c.Key)
	useSecrets(t, c, known)
	misuseSecrets(t, c, known)
	if len(known) < 8 {
		t.Fatalf("only %d secrets were seen: %v", len(known), known)
	}
	s.stop(t, syscall.SIGTERM)

	if found := known.find([]byte(s.stdout.String()[banner:] + s.stderr.String())); len(found) > 0 {
		t.Errorf("the logs contain %q", found)
	}
	signed := regexp.MustCompile(`X-Amz-(Signature|Credential)=|sk_live_|"policy":|/l/[A-Za-z0-9_-]{20,}`)
	if m := signed.FindString(s.stdout.String()[banner:] + s.stderr.String()); m != "" {
		t.Errorf("the logs contain %q", m)
	}
	readFolder(t, s, known)
}

// useSecrets does what a client does, over a success, a failure and a retry.
func useSecrets(t *testing.T, c *client, known secrets) {
	t.Helper()
	ctx := t.Context()
	for n, content := range [][]byte{picture(1), []byte("<!doctype html>no picture")} {
		a, err := c.create(ctx, "secret.png")
		if err != nil {
			t.Fatal(err)
		}
		known.addGrant(a)
		if _, err := c.sendForm(ctx, a, content); err != nil {
			t.Fatal(err)
		}
		if _, err := c.asset(ctx, "POST", "/assets/"+a.ID+"/complete", nil, http.StatusOK); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			known.addLink(t, c, a.URL)
			continue
		}
		if a, err = c.asset(ctx, "POST", "/assets/"+a.ID+"/retry", nil, http.StatusOK); err != nil {
			t.Fatal(err)
		}
		known.addGrant(a)
	}
	c.everything(t)
}

// misuseSecrets sends secrets where they do not belong, and wrong ones.
func misuseSecrets(t *testing.T, c *client, known secrets) {
	t.Helper()
	const stray = "sk_live_straykeyofsomebodyelse0123456789"
	known.add("a wrong key", stray)
	known.add("a wrong token", "straytokenofsomebodyelse0123456789")
	asStray := http.Header{"Authorization": {"Bearer " + stray}}
	for _, r := range []refusal{
		{method: "GET", path: "/assets", header: asStray},
		{method: "GET", path: "/assets?api_key=" + c.Key},
		{method: "GET", path: "/assets/" + c.Key},
		{method: "GET", path: "/assets?cursor=" + c.Key},
		{method: "GET", path: "/assets?limit=" + c.Key},
		{method: "GET", path: "/nothing/" + c.Key},
		{method: "POST", path: "/assets", header: jsonHeader, body: `{"` + c.Key + `": 1`},
		{method: "POST", path: "/assets", header: jsonHeader, body: `{"source": "` + c.Key + `"}`},
	} {
		c.send(t, r)
	}
	for _, link := range []string{"/l/straytokenofsomebodyelse0123456789", "/l/straytokenofsomebodyelse0123456789/more"} {
		if got, err := c.do(t.Context(), "GET", c.API+link, nil, nil); err != nil || got.status != http.StatusNotFound {
			t.Errorf("GET %s = %d, %v; want 404", link, got.status, err)
		}
	}
}

// readFolder reads every file of the stack's folder. The key may stand in one file that only its owner can read.
func readFolder(t *testing.T, s *stack, known secrets) {
	t.Helper()
	var holdsKey []string
	read := 0
	err := filepath.WalkDir(s.data, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		read++
		for _, what := range known.find(b) {
			if what == "the key" {
				holdsKey = append(holdsKey, path)
			} else {
				t.Errorf("%s contains %s", path, what)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if read < 3 {
		t.Fatalf("only %d files in %s: a database, an object and a key were expected", read, s.data)
	}
	if len(holdsKey) != 1 {
		t.Fatalf("the key stands in %q, want one file", holdsKey)
	}
	info, err := os.Stat(holdsKey[0])
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("%s holds the key and has mode %v, want 0600", holdsKey[0], info.Mode())
	}
}
