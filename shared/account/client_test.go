package account_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

func TestIssueClient(t *testing.T) {
	onBothDesks(t, func(t *testing.T, d *desk) {
		secret, c, err := d.IssueClient(t.Context(), "scanner", d.w, account.ClientSpec{Tier: account.Premium, Scopes: []account.Scope{"write", "read", "write"}})
		if err != nil {
			t.Fatalf("IssueClient: %v", err)
		}
		want := account.Client{
			ID: c.ID, Workspace: d.w, Name: "scanner", Scopes: account.Scopes(), Tier: account.Premium,
			Secrets: []account.Secret{{Number: 1, CreatedAt: d.now()}}, CreatedAt: d.now(), Version: 1,
		}
		if diff := cmp.Diff(want, c); diff != "" {
			t.Errorf("IssueClient (-want +got):\n%s", diff)
		}
		if len(secret) != 57 || !strings.HasPrefix(secret, "cs_live_") || c.ID.Tag() != d.w.Tag() {
			t.Errorf("secret of %d characters that begins %.8q, id %s; want 57, cs_live_, and the workspace's tag", len(secret), secret, c.ID)
		}
		if got, err := d.other.Client(t.Context(), c.ID); err != nil || !cmp.Equal(want, got) {
			t.Errorf("Client = %+v, %v; want what was issued", got, err)
		}
		if got, err := d.other.Clients(t.Context(), d.w); err != nil || !cmp.Equal([]account.Client{want}, got) {
			t.Errorf("Clients = %+v, %v; want the one that was issued", got, err)
		}
	})
}

func TestIssueClientOfNothingElseGivesEveryScopeAndTheStandardTier(t *testing.T) {
	_, c := newDesk(t).mustClient(t)
	if c.Tier != account.Standard || !c.Has(account.Read) || !c.Has(account.Write) {
		t.Errorf("tier %q, scopes %q; want standard with both", c.Tier, c.Scopes)
	}
}

func TestIssueClientKeepsOnlyTheHash(t *testing.T) {
	d := newDesk(t)
	secret, c := d.mustClient(t)
	row, err := d.table.Get(t.Context(), schema.ClientKey(c.ID), table.Strong)
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.ToLower(cmp.Diff(table.Item{}, row)); strings.Contains(text, strings.ToLower(secret[8:20])) {
		t.Error("the row has a part of the secret")
	}
}

func TestIssueClientRefuses(t *testing.T) {
	d := newDesk(t)
	for _, tt := range []struct {
		name, title string
		w           id.Workspace
		spec        account.ClientSpec
		want        fault.Kind
		fields      []string
	}{
		{"no name", "", d.w, account.ClientSpec{}, fault.Invalid, []string{"name"}},
		{"a scope that does not exist", "c", d.w, account.ClientSpec{Scopes: []account.Scope{"admin"}}, fault.Invalid, []string{"scopes"}},
		{"a tier that does not exist", "c", d.w, account.ClientSpec{Tier: "gold"}, fault.Invalid, []string{"tier"}},
		{"everything wrong at once", "\x07", d.w, account.ClientSpec{Scopes: []account.Scope{"a", "b"}, Tier: "c"}, fault.Invalid, []string{"name", "scopes", "scopes", "tier"}},
		{"a workspace that does not exist", "c", id.NewWorkspace(d.now()), account.ClientSpec{}, fault.NotFound, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := d.IssueClient(t.Context(), tt.title, tt.w, tt.spec)
			domaintest.WantKind(t, "IssueClient", err, tt.want)
			if diff := cmp.Diff(tt.fields, fieldNames(err)); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			if cs, err := d.Clients(t.Context(), tt.w); err != nil || len(cs) != 0 {
				t.Errorf("Clients = %v, %v; want none", cs, err)
			}
		})
	}
}

func TestClientsAreListedOldestFirstOverManyPages(t *testing.T) {
	d := newDesk(t)
	stranger := mustWorkspace(t, d.Service, "stranger").ID
	var want []id.Client
	for range table.MaxBatchGet + 2 {
		_, c := d.mustClient(t)
		want = append(want, c.ID)
		d.advance(time.Millisecond)
	}
	cs, err := d.Clients(t.Context(), d.w)
	if err != nil {
		t.Fatal(err)
	}
	var got []id.Client
	for _, c := range cs {
		got = append(got, c.ID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Clients (-want +got):\n%s", diff)
	}
	if cs, err := d.Clients(t.Context(), stranger); err != nil || len(cs) != 0 {
		t.Errorf("Clients of another workspace = %v, %v; want none", cs, err)
	}
}

func TestRotateClient(t *testing.T) {
	onBothDesks(t, func(t *testing.T, d *desk) {
		first, c := d.mustClient(t)
		d.advance(time.Minute)
		second, rotated, err := d.RotateClient(t.Context(), c.ID)
		if err != nil {
			t.Fatalf("RotateClient: %v", err)
		}
		want := c
		want.Version, want.Secrets = 2, append(slices.Clone(c.Secrets), account.Secret{Number: 2, CreatedAt: d.now()})
		if diff := cmp.Diff(want, rotated); diff != "" {
			t.Errorf("RotateClient (-want +got):\n%s", diff)
		}
		d.mustExchange(t, c, first, "")
		d.mustExchange(t, c, second, "")
		_, _, err = d.RotateClient(t.Context(), c.ID)
		domaintest.WantKind(t, "RotateClient of a client with two secrets", err, fault.Conflict)

		after, err := d.DropSecret(t.Context(), c.ID, 1)
		if err != nil || len(after.Secrets) != 1 || after.Secrets[0].Number != 2 {
			t.Fatalf("DropSecret = %+v, %v; want secret 2 left", after, err)
		}
		_, err = d.other.Exchange(t.Context(), c.ID.String(), first, "")
		domaintest.WantKind(t, "Exchange with the dropped secret, at once", err, fault.BadCredentials)
		d.mustExchange(t, c, second, "")
		third, rotated, err := d.RotateClient(t.Context(), c.ID)
		if err != nil || len(rotated.Secrets) != 2 || rotated.Secrets[1].Number != 3 {
			t.Fatalf("RotateClient = %+v, %v; want a third secret", rotated, err)
		}
		d.mustExchange(t, c, third, "")
	})
}

func TestRotateClientAtOnceAddsOneSecret(t *testing.T) {
	d := newDesk(t)
	_, c := d.mustClient(t)
	secrets := make([]string, 8)
	domaintest.Together(len(secrets), func(i int) {
		secret, _, err := d.RotateClient(t.Context(), c.ID)
		if err != nil && !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Throttled) {
			t.Errorf("RotateClient: %v", err)
		}
		secrets[i] = secret
	})
	works := 0
	for _, secret := range secrets {
		if _, err := d.Exchange(t.Context(), c.ID.String(), secret, ""); err == nil {
			works++
		}
	}
	if works != 1 {
		t.Errorf("%d of the secrets that were given work, want 1", works)
	}
}

func TestRotateClientSucceedsWhenTheFirstAnswerWasLost(t *testing.T) {
	d := newDesk(t)
	s := account.New(domaintest.Repeating{Table: d.table}, account.Options{Now: d.now})
	secret, c, err := s.IssueClient(t.Context(), "c", d.w, account.ClientSpec{})
	if err != nil {
		t.Fatalf("IssueClient: %v", err)
	}
	d.mustExchange(t, c, secret, "")
	second, _, err := s.RotateClient(t.Context(), c.ID)
	if err != nil {
		t.Fatalf("RotateClient: %v", err)
	}
	tok, err := s.Exchange(t.Context(), c.ID.String(), second, "")
	if err != nil {
		t.Fatalf("Exchange: %v", err)
	}
	if err := s.RevokeToken(t.Context(), c.ID.String(), second, tok.Secret); err != nil {
		t.Errorf("RevokeToken: %v", err)
	}
	if err := s.DeleteClient(t.Context(), c.ID); err != nil {
		t.Errorf("DeleteClient: %v", err)
	}
	_, err = d.Client(t.Context(), c.ID)
	domaintest.WantKind(t, "Client", err, fault.NotFound)
}

func TestDropSecretRefuses(t *testing.T) {
	d := newDesk(t)
	secret, c := d.mustClient(t)
	for _, tt := range []struct {
		name   string
		number int
		want   fault.Kind
	}{
		{"the only one", 1, fault.Conflict},
		{"one that never was", 2, fault.NotFound},
		{"zero", 0, fault.NotFound},
		{"a number below zero", -1, fault.NotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := d.DropSecret(t.Context(), c.ID, tt.number)
			domaintest.WantKind(t, "DropSecret", err, tt.want)
		})
	}
	d.mustExchange(t, c, secret, "")
	unknown := id.NewClient(d.w, d.now())
	_, err := d.DropSecret(t.Context(), unknown, 1)
	domaintest.WantKind(t, "DropSecret of an unknown client", err, fault.NotFound)
	_, _, err = d.RotateClient(t.Context(), unknown)
	domaintest.WantKind(t, "RotateClient of an unknown client", err, fault.NotFound)
	domaintest.WantKind(t, "DeleteClient of an unknown client", d.DeleteClient(t.Context(), unknown), fault.NotFound)
}

func TestDropSecretAgainWritesNothing(t *testing.T) {
	d := newDesk(t)
	_, c := d.mustClient(t)
	if _, _, err := d.RotateClient(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := d.DropSecret(t.Context(), c.ID, 1); err != nil {
		t.Fatal(err)
	}
	_, write, _ := domaintest.Spent(t, func(ctx context.Context) {
		if got, err := d.DropSecret(ctx, c.ID, 1); err != nil || got.Version != 3 {
			t.Errorf("DropSecret again = %+v, %v; want version 3", got, err)
		}
	})
	if write != 0 {
		t.Errorf("%v write units, want none", write)
	}
}
