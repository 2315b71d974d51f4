package page_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/secret"
)

func TestOpenGivesWhatWasSealed(t *testing.T) {
	root := secret.NewRoot()
	s, other := page.NewSealer(root), page.NewLazySealer(func() secret.Root { return root })
	rapid.Check(t, func(rt *rapid.T) {
		scope := rapid.String().Draw(rt, "scope")
		position := rapid.SliceOfN(rapid.Byte(), 0, 1000).Draw(rt, "position")
		cursor := s.Seal(scope, position)
		got, err := other.Open(scope, cursor)
		if err != nil || !bytes.Equal(got, position) {
			rt.Errorf("Open = %x, %v, want %x", got, err, position)
		}
		if _, err := s.Open(scope+"x", cursor); !errors.Is(err, page.ErrCursor) {
			rt.Errorf("Open in another scope gave %v, want ErrCursor", err)
		}
	})
}

func TestSealHidesThePosition(t *testing.T) {
	s := page.NewSealer(secret.NewRoot())
	position := []byte("a position that must not be read")
	first, second := s.Seal("scope", position), s.Seal("scope", position)
	if first == second {
		t.Error("sealing the same position twice gave the same cursor")
	}
	b, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil || bytes.Contains(b, position[:8]) {
		t.Errorf("cursor %q (%v) shows its position", first, err)
	}
}

func TestOpenRefusesAnyFlippedBit(t *testing.T) {
	s := page.NewSealer(secret.NewRoot())
	b, err := base64.RawURLEncoding.DecodeString(s.Seal("scope", []byte("position")))
	if err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * len(b) {
		b[bit/8] ^= 1 << (bit % 8)
		if _, err := s.Open("scope", base64.RawURLEncoding.EncodeToString(b)); !errors.Is(err, page.ErrCursor) {
			t.Errorf("Open with bit %d flipped gave %v, want ErrCursor", bit, err)
		}
		b[bit/8] ^= 1 << (bit % 8)
	}
}

func TestOpenRefuses(t *testing.T) {
	s := page.NewSealer(secret.NewRoot())
	good := s.Seal("scope", []byte("position"))
	for _, tt := range []struct{ name, cursor string }{
		{"nothing", ""},
		{"garbage", "abc"},
		{"a cursor with padding", good + "="},
		{"a cursor and a line break", good + "\n"},
		{"a line break inside", good[:8] + "\r\n" + good[8:]},
		{"a cursor that is cut", good[:len(good)-2]},
		{"standard base64", strings.Repeat("+/", 20)},
		{"a cursor of another root key", page.NewSealer(secret.NewRoot()).Seal("scope", []byte("position"))},
		{"more than MaxLen characters", strings.Repeat("A", page.MaxLen+1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := s.Open("scope", tt.cursor); !errors.Is(err, page.ErrCursor) {
				t.Errorf("Open = %x, %v, want ErrCursor", got, err)
			}
		})
	}
}

func TestLazySealerAsksForTheKeyOnceAndOnlyWhenNeeded(t *testing.T) {
	asked := 0
	s := page.NewLazySealer(func() secret.Root { asked++; return secret.NewRoot() })
	if asked != 0 {
		t.Fatal("making the sealer asked for the key")
	}
	for range 2 {
		if _, err := s.Open("scope", s.Seal("scope", []byte("x"))); err != nil {
			t.Errorf("Open: %v", err)
		}
	}
	if asked != 1 {
		t.Errorf("the key was asked for %d times, want once", asked)
	}
}

func FuzzOpen(f *testing.F) {
	s := page.NewSealer(secret.NewRoot())
	good := s.Seal("scope", []byte("position"))
	for _, seed := range []string{"", good, good[:20], good + "\n", "AAAA", "é", "\x00", strings.Repeat("A", 40)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		got, err := s.Open("scope", cursor)
		if (cursor == good) != (err == nil) {
			t.Errorf("Open(%q) = %q, %v", cursor, got, err)
		}
		if err != nil && !errors.Is(err, page.ErrCursor) {
			t.Errorf("Open(%q) gave %v, want ErrCursor", cursor, err)
		}
	})
}
