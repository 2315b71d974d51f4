package account_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
)

func TestExchange(t *testing.T) {
	for _, tt := range []struct {
		name   string
		has    []account.Scope
		asked  string
		scopes []account.Scope
		role   access.Role
	}{
		{"no scope asked for is every scope of the client", nil, "", account.Scopes(), access.Editor},
		{"read alone", nil, "read", []account.Scope{account.Read}, access.Viewer},
		{"write alone", nil, "write", []account.Scope{account.Write}, access.Editor},
		{"both in any order, and twice", nil, "write read write", account.Scopes(), access.Editor},
		{"all of a client that may only read", []account.Scope{account.Read}, "", []account.Scope{account.Read}, access.Viewer},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t)
			secret, c := d.mustClient(t, tt.has...)
			tok := d.mustExchange(t, c, secret, tt.asked)
			if len(tok.Secret) != 57 || !strings.HasPrefix(tok.Secret, "at_live_") || tok.Client != c.ID {
				t.Errorf("token %.8q of %d characters for %s, want at_live_, 57, %s", tok.Secret, len(tok.Secret), tok.Client, c.ID)
			}
			if want := d.now().Add(time.Hour).Truncate(time.Second); !tok.ExpiresAt.Equal(want) {
				t.Errorf("expires at %v, want %v", tok.ExpiresAt, want)
			}
			if diff := cmp.Diff(tt.scopes, tok.Scopes); diff != "" {
				t.Errorf("scopes (-want +got):\n%s", diff)
			}
			p, got, err := d.other.AuthenticateToken(t.Context(), tok.Secret)
			if err != nil {
				t.Fatalf("AuthenticateToken: %v", err)
			}
			want := access.Principal{Key: c.ID.Key(), Client: c.ID, Grants: map[id.Workspace]access.Role{d.w: tt.role}}
			if diff := cmp.Diff(want, p); diff != "" {
				t.Errorf("principal (-want +got):\n%s", diff)
			}
			c.Scopes = tt.scopes
			if diff := cmp.Diff(c, got); diff != "" {
				t.Errorf("client (-want +got):\n%s", diff)
			}
		})
	}
}

func TestExchangeRefusesAScopeTheClientHasNot(t *testing.T) {
	d := newDesk(t)
	secret, c := d.mustClient(t, account.Read)
	for _, scope := range []string{"write", "read write", "admin", "READ", " ", "read ", "read  read", "read\tread", strings.Repeat("x", 100_000)} {
		_, write, _ := domaintest.Spent(t, func(ctx context.Context) {
			_, err := d.Exchange(ctx, c.ID.String(), secret, scope)
			domaintest.WantKind(t, "Exchange", err, fault.Invalid)
			if diff := cmp.Diff([]string{"scope"}, fieldNames(err)); diff != "" || len(err.Error()) > 500 {
				t.Errorf("scope %.20q: %v", scope, err)
			}
		})
		if write != 0 {
			t.Errorf("scope %.20q: %v write units, want none", scope, write)
		}
	}
}

func TestExchangeRefusesAllAlike(t *testing.T) {
	d := newDesk(t)
	secret, c := d.mustClient(t)
	otherSecret, other := d.mustClient(t)
	if err := d.DeleteClient(t.Context(), other.ID); err != nil {
		t.Fatal(err)
	}
	foreign, _ := d.mustClient(t)
	var text string
	for _, tt := range []struct {
		name, client, secret string
		requests             int
	}{
		{"the secret of another client", c.ID.String(), foreign, 1},
		{"an unknown client", id.NewClient(d.w, d.now()).String(), secret, 1},
		{"a deleted client", other.ID.String(), otherSecret, 1},
		{"nothing", "", "", 0},
		{"no secret", c.ID.String(), "", 0},
		{"no client", "", secret, 0},
		{"a client id without its prefix", id.UUID(c.ID).String(), secret, 0},
		{"a client id in capitals", strings.ToUpper(c.ID.String()), secret, 0},
		{"the secret with its checksum changed", c.ID.String(), secret[:56] + flip(secret[56]), 0},
		{"the secret with another prefix", c.ID.String(), "sk_live_" + secret[8:], 0},
		{"a secret of a hundred kilobytes", c.ID.String(), strings.Repeat("s", 100_000), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, requests := domaintest.Spent(t, func(ctx context.Context) {
				_, err := d.Exchange(ctx, tt.client, tt.secret, "")
				domaintest.WantKind(t, "Exchange", err, fault.BadCredentials)
				if text == "" {
					text = err.Error()
				}
				if err.Error() != text {
					t.Errorf("the answer %q differs from that of the other cases: %q", err, text)
				}
				domaintest.WantKind(t, "RevokeToken", d.RevokeToken(ctx, tt.client, tt.secret, "at_live_"), fault.BadCredentials)
			})
			if requests != 2*tt.requests {
				t.Errorf("%d requests, want %d for each call", requests, tt.requests)
			}
		})
	}
}

func TestATokenIsOverAfterItsTime(t *testing.T) {
	onBothDesks(t, func(t *testing.T, d *desk) {
		secret, c := d.mustClient(t)
		tok := d.mustExchange(t, c, secret, "")
		d.advance(tok.ExpiresAt.Sub(d.now()) - account.CacheFor/2) // so that both still have it cached at its end
		d.mustKnow(t, tok.Secret)
		d.advance(account.CacheFor / 2)
		for name, s := range map[string]*account.Service{"which cached it": d.other, "which never saw it": account.New(d.table, account.Options{Now: d.now})} {
			_, _, err := s.AuthenticateToken(t.Context(), tok.Secret)
			domaintest.WantKind(t, "AuthenticateToken at its end, in a process "+name, err, fault.BadCredentials)
		}
		if err := d.RevokeToken(t.Context(), c.ID.String(), secret, tok.Secret); err != nil {
			t.Errorf("RevokeToken of a token that is over: %v", err)
		}
	})
}

func TestWhatEndsATokenHoldsWithinCacheFor(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(ctx context.Context, d *desk, c account.Client, secret, token string) error
	}{
		{"its revocation", func(ctx context.Context, d *desk, c account.Client, secret, token string) error {
			return d.RevokeToken(ctx, c.ID.String(), secret, token)
		}},
		{"the removal of its secret", func(ctx context.Context, d *desk, c account.Client, _, _ string) error {
			_, err := d.DropSecret(ctx, c.ID, 1)
			return err
		}},
		{"the deletion of its client", func(ctx context.Context, d *desk, c account.Client, _, _ string) error {
			return d.DeleteClient(ctx, c.ID)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onBothDesks(t, func(t *testing.T, d *desk) {
				secret, c := d.mustClient(t)
				ended := d.mustExchange(t, c, secret, "")
				second, _, err := d.RotateClient(t.Context(), c.ID)
				if err != nil {
					t.Fatal(err)
				}
				stays := d.mustExchange(t, c, second, "")
				bySecond, neighbour := d.mustClient(t)
				apart := d.mustExchange(t, neighbour, bySecond, "")
				for _, tok := range []account.Token{ended, stays, apart} {
					d.mustKnow(t, tok.Secret)
				}
				for range 2 { // again is the same
					if err := tt.end(t.Context(), d, c, secret, ended.Secret); err != nil && !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.BadCredentials) {
						t.Fatal(err)
					}
				}
				_, _, err = d.AuthenticateToken(t.Context(), ended.Secret)
				domaintest.WantKind(t, "AuthenticateToken in the process that did it", err, fault.BadCredentials)
				d.advance(account.CacheFor)
				_, _, err = d.other.AuthenticateToken(t.Context(), ended.Secret)
				domaintest.WantKind(t, "AuthenticateToken in another process after CacheFor", err, fault.BadCredentials)
				if tt.name != "the deletion of its client" {
					d.mustKnow(t, stays.Secret)
				}
				d.mustKnow(t, apart.Secret)
			})
		})
	}
}

func TestRevokeTokenOfAnotherClient(t *testing.T) {
	d := newDesk(t)
	secret, c := d.mustClient(t)
	strangers, stranger := d.mustClient(t)
	tok := d.mustExchange(t, c, secret, "")
	err := d.RevokeToken(t.Context(), stranger.ID.String(), strangers, tok.Secret)
	domaintest.WantKind(t, "RevokeToken by another client", err, fault.Forbidden)
	d.advance(account.CacheFor)
	d.mustKnow(t, tok.Secret)
	for _, unknown := range []string{"", "garbage", secret, newToken(t)} {
		if err := d.RevokeToken(t.Context(), c.ID.String(), secret, unknown); err != nil {
			t.Errorf("RevokeToken(%.10q…) = %v, want nothing to do", unknown, err)
		}
	}
	d.mustKnow(t, tok.Secret)
}

// newToken is a token of another installation.
func newToken(t testing.TB) string {
	t.Helper()
	d := newDesk(t)
	secret, c := d.mustClient(t)
	return d.mustExchange(t, c, secret, "").Secret
}

func TestAuthenticateTokenReadsTwoRowsOncePerCacheFor(t *testing.T) {
	d := newDesk(t)
	secret, c := d.mustClient(t)
	tok := d.mustExchange(t, c, secret, "")
	ask := func() int {
		_, _, requests := domaintest.Spent(t, func(ctx context.Context) {
			if _, _, err := d.other.AuthenticateToken(ctx, tok.Secret); err != nil {
				t.Errorf("AuthenticateToken: %v", err)
			}
		})
		return requests
	}
	first, second := ask(), ask()
	d.advance(account.CacheFor)
	if third := ask(); first != 2 || second != 0 || third != 2 {
		t.Errorf("%d, %d and after CacheFor %d requests, want 2, 0, 2", first, second, third)
	}
}

func TestAuthenticateTokenGivesEachCallerItsOwn(t *testing.T) {
	d := newDesk(t)
	secret, c := d.mustClient(t)
	tok := d.mustExchange(t, c, secret, "")
	for range 2 {
		p, got, err := d.AuthenticateToken(t.Context(), tok.Secret)
		if err != nil || p.Grants[d.w] != access.Editor || len(p.Grants) != 1 || !got.Has(account.Read) || got.Secrets[0].Number != 1 {
			t.Fatalf("AuthenticateToken = %v, %v, %v", p, got, err)
		}
		p.Grants[d.w], p.Grants[id.NewWorkspace(d.now())] = access.Owner, access.Owner
		got.Scopes[0], got.Secrets[0].Number = "admin", 7
	}
}

func FuzzAuthenticateToken(f *testing.F) {
	d := newDesk(f)
	secret, c := d.mustClient(f)
	tok := d.mustExchange(f, c, secret, "").Secret
	for _, seed := range []string{"", tok, tok[:56], tok + "0", secret, "at_live_" + secret[8:], "at_live_" + strings.Repeat("0", 49), "at_live_" + strings.Repeat("é", 24) + "a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, got, err := d.AuthenticateToken(t.Context(), text)
		switch {
		case text == tok && (err != nil || got.ID != c.ID):
			t.Errorf("the real token gave %v, %v", got, err)
		case text == "" && !fault.Is(err, fault.NoCredentials):
			t.Errorf("no token gave %v", err)
		case text != "" && text != tok && !fault.Is(err, fault.BadCredentials):
			t.Errorf("AuthenticateToken(%q) gave %v, want bad credentials", text, err)
		}
	})
}
