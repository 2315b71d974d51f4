package link_test

import (
	"encoding/base64"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/link"
	"github.com/assetry/assetry/shared/secret"
)

var noon = time.Unix(1_790_000_000, 0).UTC()

func claims(rt *rapid.T) link.Claims {
	w := id.NewWorkspace(noon)
	c := link.Claims{Workspace: w, Asset: id.NewAsset(w, noon), Epoch: rapid.IntRange(0, 1<<32-1).Draw(rt, "epoch")}
	if rapid.Bool().Draw(rt, "expires") {
		c.Expires = noon.Add(time.Duration(rapid.IntRange(1, 1e9).Draw(rt, "seconds")) * time.Second)
	}
	return c
}

func TestOpenGivesWhatWasMinted(t *testing.T) {
	m := link.New(secret.NewRoot())
	rapid.Check(t, func(rt *rapid.T) {
		c := claims(rt)
		token := m.Mint(c)
		got, err := m.Open(token, noon)
		if err != nil {
			rt.Fatalf("Open: %v", err)
		}
		if diff := cmp.Diff(c, got); diff != "" {
			rt.Errorf("Open (-minted +opened):\n%s", diff)
		}
		if again := m.Mint(c); again != token {
			rt.Errorf("Mint again = %q, want the same token", again)
		}
		if len(token) > link.MaxLen || strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			rt.Errorf("token %q is over %d characters or needs escaping in a path", token, link.MaxLen)
		}
	})
}

func TestOpenRefusesAnyFlippedBit(t *testing.T) {
	m := link.New(secret.NewRoot())
	w := id.NewWorkspace(noon)
	for _, c := range []link.Claims{
		{Workspace: w, Asset: id.NewAsset(w, noon), Epoch: 1},
		{Workspace: w, Asset: id.NewAsset(w, noon), Epoch: 1, Expires: noon.Add(time.Hour)},
	} {
		b, err := base64.RawURLEncoding.DecodeString(m.Mint(c))
		if err != nil {
			t.Fatal(err)
		}
		for bit := range 8 * len(b) {
			b[bit/8] ^= 1 << (bit % 8)
			if _, err := m.Open(base64.RawURLEncoding.EncodeToString(b), noon); !fault.Is(err, fault.NotFound) {
				t.Errorf("Open with bit %d of %d flipped gave %v, want not found", bit, 8*len(b), err)
			}
			b[bit/8] ^= 1 << (bit % 8)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	root := secret.NewRoot()
	m := link.New(root)
	w := id.NewWorkspace(noon)
	c := link.Claims{Workspace: w, Asset: id.NewAsset(w, noon), Epoch: 3}
	token := m.Mint(c)
	c.Expires = noon.Add(time.Minute)
	expiring := m.Mint(c)
	for _, tt := range []struct {
		name, token string
		at          time.Time
	}{
		{"nothing", "", noon},
		{"garbage", "abc", noon},
		{"a token with padding", token + "=", noon},
		{"a token and a line break", token + "\n", noon},
		{"a token that is cut", token[:len(token)-1], noon},
		{"a token that is longer", token + "A", noon},
		{"the unused bits of the last character set", token[:len(token)-1] + other(token[len(token)-1]), noon},
		{"a token of another root key", link.New(secret.NewRoot()).Mint(c), noon},
		{"a megabyte", strings.Repeat("A", 1<<20), noon},
		{"a token at its expiry", expiring, noon.Add(time.Minute)},
		{"a token after its expiry", expiring, noon.Add(time.Hour)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := m.Open(tt.token, tt.at)
			domaintest.WantKind(t, "Open", err, fault.NotFound)
		})
	}
	if _, err := m.Open(expiring, noon.Add(time.Minute-1)); err != nil {
		t.Errorf("Open a moment before the expiry: %v", err)
	}
	if _, err := link.New(root).Open(token, noon.Add(1000*time.Hour)); err != nil {
		t.Errorf("Open of a lasting token by another process: %v", err)
	}
}

// other is a character that differs from c in its lowest bit only.
func other(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, c)^1])
}

func TestMinterServesManyWorkspacesAtOnce(t *testing.T) {
	m := link.New(secret.NewRoot())
	var mu sync.Mutex
	minted := map[string]link.Claims{}
	domaintest.Together(8, func(int) {
		for range 50 {
			w := id.NewWorkspace(noon)
			c := link.Claims{Workspace: w, Asset: id.NewAsset(w, noon), Epoch: 1}
			token := m.Mint(c)
			mu.Lock()
			minted[token] = c
			mu.Unlock()
		}
	})
	for token, want := range minted {
		if got, err := m.Open(token, noon); err != nil || got != want {
			t.Errorf("Open = %v, %v, want %v", got, err, want)
		}
	}
}

func FuzzOpen(f *testing.F) {
	m := link.New(secret.NewRoot())
	w := id.NewWorkspace(noon)
	c := link.Claims{Workspace: w, Asset: id.NewAsset(w, noon), Epoch: 1}
	ours := map[string]bool{m.Mint(c): true}
	c.Expires = noon.Add(time.Hour)
	ours[m.Mint(c)] = true
	for token := range ours {
		f.Add(token)
		f.Add(token[1:])
	}
	for _, seed := range []string{"", "AA", strings.Repeat("A", 71), strings.Repeat("A", 82), "..", "%2F", "\x00", "é"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		_, err := m.Open(token, noon)
		if ours[token] != (err == nil) {
			t.Errorf("Open(%q) gave %v, but minted by us is %v", token, err, ours[token])
		}
		if err != nil && !fault.Is(err, fault.NotFound) {
			t.Errorf("Open(%q) gave %v, want not found", token, err)
		}
	})
}
