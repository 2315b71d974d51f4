package account_test

import (
	"context"
	"strings"
	"testing"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
)

func TestAuthenticateRefusesWithoutARead(t *testing.T) {
	s, _, _ := newService(t)
	secret, _ := mustKey(t, s, access.Owner, mustWorkspace(t, s, "w").ID)
	for _, tt := range []struct {
		name, secret string
		want         fault.Kind
	}{
		{"no key", "", fault.NoCredentials},
		{"garbage", "garbage", fault.BadCredentials},
		{"the prefix alone", "sk_live_", fault.BadCredentials},
		{"one character changed", secret[:20] + flip(secret[20]) + secret[21:], fault.BadCredentials},
		{"the checksum changed", secret[:56] + flip(secret[56]), fault.BadCredentials},
		{"cut short", secret[:56], fault.BadCredentials},
		{"one character more", secret + "0", fault.BadCredentials},
		{"other case", strings.ToUpper(secret), fault.BadCredentials},
		{"other prefix", "sk_test_" + secret[8:], fault.BadCredentials},
		{"white space around it", " " + secret, fault.BadCredentials},
		{"a hundred kilobytes", strings.Repeat("s", 100_000), fault.BadCredentials},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, requests := domaintest.Spent(t, func(ctx context.Context) {
				_, err := s.Authenticate(ctx, tt.secret)
				domaintest.WantKind(t, "Authenticate", err, tt.want)
				if err != nil && tt.secret != "" && len(tt.secret) > 8 && strings.Contains(err.Error(), tt.secret) {
					t.Error("the error repeats the secret")
				}
			})
			if requests != 0 {
				t.Errorf("%d requests, want none", requests)
			}
		})
	}
}

func flip(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}

func TestAuthenticateUnknownKeyIsReadEveryTime(t *testing.T) {
	s, _, _ := newService(t)
	elsewhere, _, _ := newService(t)
	secret, _ := mustKey(t, elsewhere, access.Owner, mustWorkspace(t, elsewhere, "w").ID)
	for range 2 {
		read, _, _ := domaintest.Spent(t, func(ctx context.Context) {
			_, err := s.Authenticate(ctx, secret)
			domaintest.WantKind(t, "Authenticate with another installation's key", err, fault.BadCredentials)
		})
		if read != 1 {
			t.Errorf("%v read units, want 1: only positive answers are cached", read)
		}
	}
}

func TestAuthenticateReadsOncePerCacheFor(t *testing.T) {
	s, _, c := newService(t)
	secret, _ := mustKey(t, s, access.Owner, mustWorkspace(t, s, "w").ID)
	ask := func() float64 {
		read, _, _ := domaintest.Spent(t, func(ctx context.Context) {
			if _, err := s.Authenticate(ctx, secret); err != nil {
				t.Errorf("Authenticate: %v", err)
			}
		})
		return read
	}
	first, second := ask(), ask()
	c.Advance(account.CacheFor)
	if third := ask(); first != 1 || second != 0 || third != 1 {
		t.Errorf("read units %v, %v, and %v after CacheFor, want 1, 0, 1", first, second, third)
	}
}

func TestAuthenticateGivesEachCallerItsOwnGrants(t *testing.T) {
	s, _, c := newService(t)
	w := mustWorkspace(t, s, "w").ID
	secret, _ := mustKey(t, s, access.Viewer, w)
	for range 2 {
		p, err := s.Authenticate(t.Context(), secret)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Grants) != 1 || p.Grants[w] != access.Viewer {
			t.Errorf("grants = %v, want viewer of one workspace", p.Grants)
		}
		p.Grants[w] = access.Owner
		p.Grants[id.NewWorkspace(c.Now())] = access.Owner
	}
}

func FuzzAuthenticate(f *testing.F) {
	s, _, _ := newService(f)
	w, err := s.CreateWorkspace(f.Context(), "w")
	if err != nil {
		f.Fatal(err)
	}
	secret, k, err := s.IssueKey(f.Context(), "k", map[id.Workspace]access.Role{w.ID: access.Owner})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", secret, secret[:57-1], "sk_live_" + strings.Repeat("0", 49), "sk_live_" + strings.Repeat("é", 24) + "a", "Bearer x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := s.Authenticate(t.Context(), text)
		switch {
		case text == secret && (err != nil || p.Key != k.ID):
			t.Errorf("the real secret gave %v, %v", p, err)
		case text == "" && !fault.Is(err, fault.NoCredentials):
			t.Errorf("no secret gave %v", err)
		case text != "" && text != secret && !fault.Is(err, fault.BadCredentials):
			t.Errorf("Authenticate(%q) gave %v, want bad credentials", text, err)
		}
	})
}
