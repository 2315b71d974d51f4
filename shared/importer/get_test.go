package importer_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/remote"
)

func TestGetReadsTheWholeFile(t *testing.T) {
	s := newSource(t, serveFile)
	a, b, err := s.fetch(t, remote.Query{Address: s.address() + "#page=2"})
	if err != nil || !bytes.Equal(b, file) {
		t.Fatalf("Get = %d bytes, %v; want the file", len(b), err)
	}
	if a.Identity != fileIdentity || a.Ranged || a.Length != 300_000 {
		t.Errorf("Get = %+v, want %+v, not ranged", a, fileIdentity)
	}
}

func TestGetReadsRangesUntilTheEnd(t *testing.T) {
	s := newSource(t, serveFile)
	var all []byte
	var seen remote.Identity
	for from := int64(0); from < 300_000; from += 70_000 {
		a, b, err := s.fetch(t, remote.Query{Address: s.address(), From: from, Length: 70_000, Same: seen})
		if err != nil {
			t.Fatalf("Get from %d: %v", from, err)
		}
		if a.Identity != fileIdentity || !a.Ranged || a.Length != int64(len(b)) {
			t.Errorf("Get from %d = %+v with %d bytes, want a range of %+v", from, a, len(b), fileIdentity)
		}
		seen = a.Identity
		all = append(all, b...)
	}
	if !bytes.Equal(all, file) {
		t.Errorf("the ranges give %d bytes that are not the file", len(all))
	}
}

func TestGetSaysWhoAsksAndNoMore(t *testing.T) {
	for _, tt := range []struct {
		name  string
		query remote.Query
		want  http.Header
	}{
		{"the whole", remote.Query{}, http.Header{}},
		{"a range", remote.Query{From: 5, Length: 10}, http.Header{"Range": {"bytes=5-14"}}},
		{"a range of one byte", remote.Query{Length: 1}, http.Header{"Range": {"bytes=0-0"}}},
		{"a range of a file with a strong ETag", remote.Query{Length: 10, Same: fileIdentity}, http.Header{"Range": {"bytes=0-9"}, "If-Range": {etag}}},
		{"a range of a file with a weak ETag", remote.Query{Length: 10, Same: remote.Identity{ETag: "W/" + etag, Size: -1}}, http.Header{"Range": {"bytes=0-9"}}},
		{"a range of a file whose ETag has no quotes", remote.Query{Length: 10, Same: remote.Identity{ETag: "v1", Size: -1}}, http.Header{"Range": {"bytes=0-9"}}},
		{"a range of a file with a time alone", remote.Query{Length: 10, Same: remote.Identity{Modified: fileIdentity.Modified, Size: -1}}, http.Header{"Range": {"bytes=0-9"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSource(t, serveFile)
			tt.query.Address = s.address()
			_, _, _ = s.fetch(t, tt.query) // what the server thinks of it is another test's
			want := tt.want
			want.Set("User-Agent", "Assetry-Import/1.0")
			want.Set("Accept", "*/*")
			want.Set("Accept-Encoding", "identity")
			if got := s.requests(); len(got) != 1 || got[0].Method != http.MethodGet || got[0].RequestURI != "/a/b.jpg?token=s3cret" {
				t.Fatalf("the source was asked %d times, want GET once, with the query", len(got))
			}
			if diff := cmp.Diff(want, s.requests()[0].Header); diff != "" {
				t.Errorf("the header of the request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGetOfSourcesWithoutRanges(t *testing.T) {
	whole := func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Range")
		serveFile(w, r)
	}
	t.Run("gives the whole file for a range from its beginning", func(t *testing.T) {
		s := newSource(t, whole)
		a, b, err := s.fetch(t, remote.Query{Address: s.address(), Length: 100})
		if err != nil || a.Ranged || a.Identity != fileIdentity || !bytes.Equal(b, file) {
			t.Errorf("Get = %+v, %d bytes, %v; want the whole, not ranged", a, len(b), err)
		}
	})
	t.Run("cannot go on half-way", func(t *testing.T) {
		s := newSource(t, whole)
		_, err := s.Get(t.Context(), remote.Query{Address: s.address(), From: 100, Length: 100, Same: fileIdentity})
		expect(t, err, remote.Refused, false, "cannot go on half-way")
	})
	t.Run("cannot begin half-way", func(t *testing.T) {
		s := newSource(t, whole)
		_, err := s.Get(t.Context(), remote.Query{Address: s.address(), From: 100, Length: 100})
		expect(t, err, remote.Refused, false, "cannot go on half-way")
	})
}

func TestGetOfAnEmptyFile(t *testing.T) {
	s := newSource(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") != "" {
			w.Header().Set("Content-Range", "bytes */0")
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		}
	})
	a, b, err := s.fetch(t, remote.Query{Address: s.address(), Length: 100})
	if err != nil || len(b) != 0 || a.Length != 0 || a.Size != 0 || a.Ranged {
		t.Errorf("Get = %+v, %d bytes, %v; want an empty file", a, len(b), err)
	}
}

func TestGetOfARangeThatTheFileDoesNotHave(t *testing.T) {
	s := newSource(t, serveFile)
	_, err := s.Get(t.Context(), remote.Query{Address: s.address(), From: 300_000, Length: 1})
	expect(t, err, remote.Refused, false, "no bytes from 300000 on")
	_, err = s.Get(t.Context(), remote.Query{Address: s.address(), From: 300_000, Length: 1, Same: remote.Identity{ETag: etag, Size: 400_000}})
	expect(t, err, remote.Changed, false, "has changed")
}

func TestGetRefusesAddressesThatCheckRefuses(t *testing.T) {
	s := newSource(t, serveFile)
	for _, tt := range []struct {
		name, address string
		reason        remote.Reason
	}{
		{"http", strings.Replace(s.address(), "https", "http", 1), remote.Malformed},
		{"a password", strings.Replace(s.address(), "//", "//user:s3cret@", 1), remote.Malformed},
		{"another port", "https://files.example:22/a/b.jpg?s3cret", remote.Malformed},
		{"metadata by name", "https://metadata.google.internal/files.example/a/b.jpg?s3cret", remote.Blocked},
		{"a private address", "https://10.0.0.1/files.example/a/b.jpg?s3cret", remote.Blocked},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := s.Check(tt.address); !fault.Is(err, fault.Invalid) || fault.FieldsOf(err)[0].Name != "source" {
				t.Errorf("Check = %v, want source refused", err)
			}
			_, err := s.Get(t.Context(), remote.Query{Address: tt.address})
			expect(t, err, tt.reason, false, "The source")
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("Get = %v, want what Check says in its chain", err)
			}
		})
	}
	if n := len(s.requests()); n != 0 {
		t.Errorf("the source was asked %d times", n)
	}
	if err := s.Check(s.address()); err != nil {
		t.Errorf("Check = %v, want the source's own address taken", err)
	}
}

func TestGetRefusesNamesThatLeadToPrivateAddresses(t *testing.T) {
	s := newSource(t, serveFile)
	s.dns.Alias("alias.example", "inner.example")
	s.dns.Set("ula.example", "fd00::1")
	for _, host := range []string{"inner.example", "alias.example", "ula.example"} {
		_, err := s.Get(t.Context(), remote.Query{Address: s.url(host, "/files.example/a/b.jpg?s3cret")})
		expect(t, err, remote.Blocked, false, "must not be reached")
		var e *remote.Error
		if errors.As(err, &e) && strings.Contains(e.Message, "10.0.0.1") {
			t.Errorf("the message is %q, want it not to tell what is inside", e.Message)
		}
	}
}

func TestGetRefusesQueriesThatAreNone(t *testing.T) {
	s := newSource(t, serveFile)
	for _, q := range []remote.Query{{From: -1, Length: 1}, {Length: -1}, {From: 1}, {From: 1<<63 - 1, Length: 1}} {
		q.Address = s.address()
		var e *remote.Error
		if _, err := s.Get(t.Context(), q); err == nil || errors.As(err, &e) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("Get(%+v) = %v, want an error that does not blame the source", q, err)
		}
	}
}

func TestGetEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := newSource(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel() // the question has arrived, and nobody answers
		<-r.Context().Done()
	})
	if _, err := s.Get(ctx, remote.Query{Address: s.address()}); err != context.Canceled {
		t.Errorf("Get = %v, want the context's error", err)
	}
}
