package web_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/fault"
)

func TestCompressedAnswersArriveInBothShapes(t *testing.T) {
	long := strings.Repeat("a long answer, ", 1000)
	for name, c := range map[string]struct {
		accept, body string
		allowed      bool
		err          error
		packed       bool
	}{
		"a client that takes it":                {"gzip, br", long, true, nil, true},
		"a client that does not say":            {"", long, true, nil, false},
		"a client that forbids it":              {"gzip;q=0", long, true, nil, false},
		"a handler that does not allow it":      {"gzip", long, false, nil, false},
		"an answer that fits into a packet":     {"gzip", "short", true, nil, false},
		"a fault whose handler would allow one": {"gzip", "", true, fault.New(fault.Conflict, "said by the test"), false},
	} {
		t.Run(name, func(t *testing.T) {
			h := web.Route("GET", "/x", shout{}, func(w http.ResponseWriter, r *http.Request) error {
				if c.allowed {
					web.Compress(r.Context())
				}
				_, err := io.WriteString(w, c.body)
				if c.err != nil {
					return c.err
				}
				return err
			})
			inBoth(t, func(t *testing.T, send func(http.Handler, string) reply, _ *bytes.Buffer) {
				got := send(h, "GET /x HTTP/1.1\r\nHost: api.test:8080\r\nAccept-Encoding: "+c.accept+"\r\n\r\n")
				if (got.header.Get("Content-Encoding") == "gzip") != c.packed {
					t.Fatalf("Content-Encoding: %q, want it packed: %t", got.header.Get("Content-Encoding"), c.packed)
				}
				if (got.header.Get("Vary") == "Accept-Encoding") != c.allowed {
					t.Errorf("Vary: %q", got.header.Get("Vary"))
				}
				if !c.packed {
					return
				}
				z, err := gzip.NewReader(strings.NewReader(got.body))
				if err != nil {
					t.Fatal(err)
				}
				if text, err := io.ReadAll(z); err != nil || string(text) != c.body {
					t.Errorf("unpacked: %d bytes, %v; want %d", len(text), err, len(c.body))
				}
			})
		})
	}
}
