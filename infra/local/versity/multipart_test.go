package versity_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/shared/blob"
)

// storages are the two ways of the engine to keep metadata: with the files, if the file system can, and beside them.
func storages(t *testing.T, test func(t *testing.T, dir string)) {
	t.Run("with the files", func(t *testing.T) { test(t, t.TempDir()) })
	t.Run("beside them", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "sidecar"), 0o700); err != nil {
			t.Fatal(err)
		}
		test(t, dir)
	})
}

func startParts(t *testing.T, b blob.Bucket) string {
	t.Helper()
	up, err := b.StartParts(context.Background(), key, blob.PutOptions{Type: "video/mp4", Checksum: blob.Checksum{Algorithm: blob.CRC32C}})
	if err != nil {
		t.Fatal(err)
	}
	return up
}

func putPart(t *testing.T, b blob.Bucket, up, body string) blob.Part {
	t.Helper()
	p, err := b.PutPart(context.Background(), key, up, 1, strings.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// partFolders are the folders of uploads, by the engine's names.
func partFolders(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "objects", "assets", ".sgwtmp", "multipart", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// gated is a body that ends when the test lets it.
type gated struct {
	io.Reader
	started, gate chan struct{}
}

func (g *gated) Read(p []byte) (int, error) {
	n, err := g.Reader.Read(p)
	if err == io.EOF {
		close(g.started)
		<-g.gate
		return copy(p, "!"), nil
	}
	return n, err
}

func TestAPartThatArrivesAfterItsUploadEndedIsRefused(t *testing.T) {
	for name, end := range map[string]func(b blob.Bucket, up string, other blob.Part) error{
		"aborted": func(b blob.Bucket, up string, _ blob.Part) error { return b.AbortParts(context.Background(), key, up) },
		"completed": func(b blob.Bucket, up string, other blob.Part) error {
			_, err := b.CompleteParts(context.Background(), key, up, []blob.Part{other}, blob.PutOptions{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			storages(t, func(t *testing.T, dir string) {
				b := driver(start(t, config(dir)), "assets")
				up := startParts(t, b)
				other := putPart(t, b, up, "in time")
				body := &gated{strings.NewReader("too lat"), make(chan struct{}), make(chan struct{})}
				late := make(chan error)
				go func() {
					_, err := b.StreamPart(context.Background(), key, up, 2, body, 8)
					late <- err
				}()
				<-body.started
				if err := end(b, up, other); err != nil {
					t.Fatal(err)
				}
				close(body.gate)
				if err := <-late; !errors.Is(err, blob.ErrNotFound) {
					t.Errorf("the late part = %v, want ErrNotFound", err)
				}
				if left := partFolders(t, dir); len(left) != 0 {
					t.Errorf("the late part brought back %v", left)
				}
			})
		})
	}
}

// cutOff sends the head of a request and less than its body, and ends there. It gives the status, 0 for none.
func cutOff(t *testing.T, s *versity.Server, method, signed, contentType, body string, announced int) int {
	t.Helper()
	u, err := url.Parse(signed)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", method, u.RequestURI(), s.Addr(), contentType, announced, body)
	_ = c.(*net.TCPConn).CloseWrite() // an error says that the answer came before the end
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	return res.StatusCode
}

func TestABodyThatIsCutOffIsNotStored(t *testing.T) {
	var events atomic.Int32
	c := config(t.TempDir())
	c.OnEvent = func(versity.Event) { events.Add(1) }
	s := start(t, c)
	b := driver(s, "assets")
	ctx := context.Background()
	up := startParts(t, b)
	const size = 5 << 20
	for _, sent := range []int{0, 1, 1000, 4096, 64 << 10, size / 2, size - 1} {
		part, err := b.SignPart(ctx, key, up, 1, size, soon())
		if err != nil {
			t.Fatal(err)
		}
		if status := cutOff(t, s, "PUT", part, "", strings.Repeat("x", sent), size); status != 400 && status != 0 && status != 500 {
			t.Errorf("a part of which %d of %d bytes came answered %d, want a refusal", sent, size, status)
		}
		f, _, err := b.SignForm(ctx, blob.FormSpec{Key: key, Type: "image/png", MaxSize: size, Expires: soon()})
		if err != nil {
			t.Fatal(err)
		}
		form := ""
		for k, v := range f.Fields {
			form += "--cut\r\nContent-Disposition: form-data; name=\"" + k + "\"\r\n\r\n" + v + "\r\n"
		}
		form += "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n" + strings.Repeat("x", sent)
		if status := cutOff(t, s, "POST", f.URL, "multipart/form-data; boundary=cut", form, len(form)+size-sent+11); status != 400 && status != 0 && status != 500 {
			t.Errorf("a form of whose file %d of %d bytes came answered %d, want a refusal", sent, size, status)
		}
		whole, _, err := b.SignPut(ctx, blob.PutSpec{Key: key, Type: "image/png", Size: size, Expires: soon()})
		if err != nil {
			t.Fatal(err)
		}
		status := cutOff(t, s, "PUT", whole.URL, "image/png\r\nIf-None-Match: *", strings.Repeat("x", sent), size)
		if status != 400 && status != 0 && status != 500 {
			t.Errorf("a PUT of which %d of %d bytes came answered %d, want a refusal", sent, size, status)
		}
	}
	ps, _, err := b.ListParts(ctx, key, up, 0, 10)
	if err != nil || len(ps) != 0 {
		t.Errorf("ListParts = %v, %v; want none", ps, err)
	}
	if vs, err := b.Versions(ctx, "", 0); err != nil || len(vs) != 0 || events.Load() != 0 {
		t.Errorf("Versions = %v, %v after %d events; want nothing", vs, err, events.Load())
	}
}

func TestACompletionThatACrashCutOffCanBeRepeated(t *testing.T) {
	storages(t, func(t *testing.T, dir string) {
		s := start(t, config(dir))
		b := driver(s, "assets")
		up := startParts(t, b)
		p := putPart(t, b, up, "only")
		s.Close()
		// What is left when the engine dies while it joins the parts.
		folder := partFolders(t, dir)[0]
		if err := os.Rename(folder, folder+".0123456789abcdef-1.inprogress"); err != nil {
			t.Fatal(err)
		}
		b = driver(start(t, config(dir)), "assets")
		ctx := context.Background()
		if us, err := b.Uploads(ctx, key); err != nil || len(us) != 1 || us[0].ID != up {
			t.Errorf("Uploads = %v, %v; want the one that was cut off", us, err)
		}
		done, err := b.CompleteParts(ctx, key, up, []blob.Part{p}, blob.PutOptions{})
		if err != nil || done.Size != 4 || done.Checksum.Algorithm != blob.CRC32C {
			t.Errorf("CompleteParts = %+v, %v; want the whole", done, err)
		}
	})
}

func TestACompletionThatACrashCutOffAtItsEndIsNotRepeated(t *testing.T) {
	storages(t, func(t *testing.T, dir string) {
		s := start(t, config(dir))
		b := driver(s, "assets")
		ctx := context.Background()
		up := startParts(t, b)
		p := putPart(t, b, up, "only")
		done, err := b.CompleteParts(ctx, key, up, []blob.Part{p}, blob.PutOptions{})
		if err != nil {
			t.Fatal(err)
		}
		other := startParts(t, b)
		s.Close()
		// What is left when the engine dies after it made the object and before it removed the parts.
		if err := os.Mkdir(filepath.Join(filepath.Dir(partFolders(t, dir)[0]), up+".0123456789abcdef-1.inprogress"), 0o700); err != nil {
			t.Fatal(err)
		}
		b = driver(start(t, config(dir)), "assets")
		if us, err := b.Uploads(ctx, key); err != nil || len(us) != 1 || us[0].ID != other {
			t.Errorf("Uploads = %v, %v; want only the other one", us, err)
		}
		if left := partFolders(t, dir); len(left) != 1 {
			t.Errorf("%v are left, want the folder of the other one", left)
		}
		again, err := b.CompleteParts(ctx, key, up, []blob.Part{p}, blob.PutOptions{})
		if err != nil || again.Version != done.Version || again.ETag != done.ETag {
			t.Errorf("CompleteParts again = %+v, %v; want the first answer %+v", again, err, done)
		}
		if vs, err := b.Versions(ctx, key, 0); err != nil || len(vs) != 1 {
			t.Errorf("Versions = %v, %v; want one", vs, err)
		}
	})
}

func TestOnlyACompletionIsAnEvent(t *testing.T) {
	var names []string
	c := config(t.TempDir())
	seen := make(chan string, 10)
	c.OnEvent = func(e versity.Event) { seen <- e.Name }
	b := driver(start(t, c), "assets")
	ctx := context.Background()
	dropped, up := startParts(t, b), startParts(t, b)
	putPart(t, b, dropped, "dropped")
	p := putPart(t, b, up, "kept")
	if _, err := b.Uploads(ctx, ""); err != nil {
		t.Fatal(err)
	}
	if err := b.AbortParts(ctx, key, dropped); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a repeat is reported again, in case that the first event was lost
		if _, err := b.CompleteParts(ctx, key, up, []blob.Part{p}, blob.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	close(seen)
	for name := range seen {
		names = append(names, name)
	}
	if got, want := strings.Join(names, " "), "ObjectCreated:CompleteMultipartUpload ObjectCreated:CompleteMultipartUpload"; got != want {
		t.Errorf("events = %q, want %q", got, want)
	}
}

func TestPartsAreListedAllOrNotAtAllWhileTheirUploadEnds(t *testing.T) {
	storages(t, func(t *testing.T, dir string) {
		b := driver(start(t, config(dir)), "assets")
		ctx := context.Background()
		const rounds, parts = 15, 12
		for range rounds {
			up := startParts(t, b)
			for n := range parts {
				if _, err := b.PutPart(ctx, key, up, n+1, strings.NewReader("part"), 4); err != nil {
					t.Fatal(err)
				}
			}
			aborted := make(chan error, 1)
			go func() { aborted <- b.AbortParts(ctx, key, up) }()
			for {
				ps, _, err := b.ListParts(ctx, key, up, 0, 100)
				if errors.Is(err, blob.ErrNotFound) {
					break
				}
				if err != nil || len(ps) != parts {
					t.Errorf("ListParts = %d parts, %v; want all %d or that there is no such upload", len(ps), err, parts)
				}
			}
			if err := <-aborted; err != nil {
				t.Fatal(err)
			}
		}
	})
}
