package main

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/assetry/assetry/infra/local/state"
)

// taken is an address of loopback that somebody listens on.
func taken(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// free is an address of loopback on which nobody listens any more.
func free(t testing.TB) string {
	t.Helper()
	l := taken(t)
	_ = l.Close()
	return l.Addr().String()
}

// newFolder is a data folder that nobody has used.
func newFolder(t testing.TB) *state.Folder {
	t.Helper()
	f, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

func over(t testing.TB) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestListenTakesWhatWasAskedFor(t *testing.T) {
	busy, open := taken(t).Addr().String(), free(t)
	for _, tt := range []struct {
		name        string
		ctx         context.Context
		asked, kept string
		want        string // "": any port of loopback
		notBusy     bool
	}{
		{"a port that is free", t.Context(), open, "", open, false},
		{"a port that is free, though another was kept", t.Context(), open, "127.0.0.1:1", open, false},
		{"any port on the first start", t.Context(), "127.0.0.1:0", "", "", false},
		{"the kept port", t.Context(), "127.0.0.1:0", open, open, false},
		{"the kept port on the host that is asked for now", t.Context(), "127.0.0.1:0", strings.Replace(open, "127.0.0.1", "127.0.0.2", 1), open, false},
		{"any port where nothing readable was kept", t.Context(), "127.0.0.1:0", "nonsense", "", false},
		{"another port where the kept one stays taken", over(t), "127.0.0.1:0", busy, "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := listen(tt.ctx, tt.asked, tt.kept)
			if err != nil {
				t.Fatalf("listen(%s, kept %s): %v", tt.asked, tt.kept, err)
			}
			defer func() { _ = l.Close() }()
			got := l.Addr().String()
			if tt.want != "" && got != tt.want || !strings.HasPrefix(got, "127.0.0.1:") || tt.notBusy && got == busy {
				t.Errorf("listens on %s, want %s", got, tt.want)
			}
		})
	}
}

func TestListenWaitsForThePredecessorToLetGo(t *testing.T) {
	l := taken(t)
	kept := l.Addr().String()
	defer time.AfterFunc(100*time.Millisecond, func() { _ = l.Close() }).Stop()
	got, err := listen(t.Context(), "127.0.0.1:0", kept)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = got.Close() }()
	if got.Addr().String() != kept {
		t.Errorf("listens on %s, want the kept %s", got.Addr(), kept)
	}
}

func TestListenSaysHowToAvoidAPortInUse(t *testing.T) {
	busy := taken(t).Addr().String()
	_, err := listen(t.Context(), busy, "")
	if err == nil {
		t.Fatal("a port in use was taken")
	}
	for _, part := range []string{busy, "in use", "-addr", "port 0"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the refusal %q does not say %q", err, part)
		}
	}
}

func TestFlags(t *testing.T) {
	for _, tt := range []struct {
		name, args string
		want       options
		says       string // of a refusal
	}{
		{"none", "", options{addr: "127.0.0.1:8080", s3Addr: "127.0.0.1:0", data: ".assetry", template: "template.yaml"}, ""},
		{
			"all", "-addr 127.0.0.1:0 -s3-addr localhost:9000 -data d -template t.yaml -ready r.json -allow-local-sources -lambda -record n",
			options{"127.0.0.1:0", "localhost:9000", "d", "t.yaml", "r.json", "n", true, true}, "",
		},
		{"the other loopback", "-addr [::1]:80", options{addr: "[::1]:80", s3Addr: "127.0.0.1:0", data: ".assetry", template: "template.yaml"}, ""},
		{"an address that others reach", "-addr 0.0.0.0:80", options{}, "not a loopback address"},
		{"every address", "-s3-addr :80", options{}, "not a loopback address"},
		{"a name", "-addr example.com:80", options{}, "not a loopback address"},
		{"no port", "-addr 127.0.0.1", options{}, "not host:port"},
		{"an argument", "serve", options{}, "everything is a flag"},
		{"a record of functions that share everything", "-record n", options{}, "-lambda"},
		{"an unknown flag", "-port 80", options{}, "flag provided but not defined"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			got, err := parse(strings.Fields(tt.args), &out)
			if tt.says != "" {
				if err == nil || !strings.Contains(out.String(), tt.says) {
					t.Errorf("parse = %v and says %q, want it to say %q", err, out.String(), tt.says)
				}
				return
			}
			if err != nil || got != tt.want {
				t.Errorf("parse = %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}

func TestTheBucketKeepsItsPortWhereItCan(t *testing.T) {
	busy, kept := taken(t).Addr().String(), free(t)
	for _, tt := range []struct {
		name, asked, kept string
		want              string // "": any other than the kept one
		says              string // of a refusal
	}{
		{"the kept port", "127.0.0.1:0", kept, kept, ""},
		{"another where the kept one stays taken", "127.0.0.1:0", busy, "", ""},
		{"the port that is asked for is taken", busy, kept, "", "-s3-addr"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &stack{failed: make(chan error, 1), settings: state.Settings{S3Addr: tt.kept, S3AccessKey: "assetry", S3SecretKey: "secret"}}
			t.Cleanup(s.close)
			err := s.startS3(t.Context(), options{s3Addr: tt.asked}, newFolder(t), bucket{name: localBucket}, unheard)
			if tt.says != "" {
				if err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), tt.asked) {
					t.Errorf("startS3 = %v, want a refusal that names %s and %s", err, tt.says, tt.asked)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := s.settings.S3Addr; tt.want != "" && got != tt.want || got == busy || got != s.s3.Addr() {
				t.Errorf("the bucket listens on %s and %s is kept, want %s", s.s3.Addr(), got, tt.want)
			}
		})
	}
}
