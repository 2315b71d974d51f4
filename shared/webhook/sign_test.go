package webhook_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/webhook"
)

// accepts says whether a receiver that holds a secret takes a request; it uses the library that Standard Webhooks publishes.
func accepts(t testing.TB, secret string, r sent) bool {
	t.Helper()
	lib, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatalf("the library refuses the secret: %v", err)
	}
	headers := http.Header{}
	for k, v := range r.headers {
		headers.Set(k, v)
	}
	return lib.Verify([]byte(r.body), headers) == nil
}

func (h *house) last(t testing.TB) sent {
	t.Helper()
	rs := h.requests()
	if len(rs) == 0 {
		t.Fatal("nothing was sent")
	}
	return rs[len(rs)-1]
}

func TestWhatIsSentVerifies(t *testing.T) {
	h := newHouse(t)
	_, secret, err := h.Create(t.Context(), h.owner, h.w, webhook.Spec{URL: address})
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := h.Create(t.Context(), h.owner, h.w, webhook.Spec{URL: "https://other.example/"})
	if err != nil {
		t.Fatal(err)
	}
	h.mustHandle(t, h.event(h.newAsset(), bus.AssetReady, 2))
	for _, r := range h.requests() {
		mine, foreign := secret, other
		if r.url != address {
			mine, foreign = other, secret
		}
		if !accepts(t, mine, r) {
			t.Errorf("the receiver at %s refuses what was signed for it", r.url)
		}
		if accepts(t, foreign, r) {
			t.Errorf("what was sent to %s verifies under the secret of another webhook", r.url)
		}
		forged := r
		forged.body = strings.Replace(r.body, "asset.ready", "asset.ruined", 1)
		if accepts(t, mine, forged) {
			t.Error("a changed body verifies")
		}
	}
}

func TestFormerSecretsSignForADay(t *testing.T) {
	h := newHouse(t)
	wh, first, err := h.Create(t.Context(), h.owner, h.w, webhook.Spec{URL: address})
	if err != nil {
		t.Fatal(err)
	}
	rotate := func() string {
		t.Helper()
		_, s, err := h.RotateSecret(t.Context(), h.owner, h.w, wh.ID)
		if err != nil {
			t.Fatalf("RotateSecret: %v", err)
		}
		return s
	}
	second := rotate()
	h.clock.Advance(time.Minute)
	third := rotate()
	for _, tt := range []struct {
		name          string
		after         time.Duration
		taken, denied []string
	}{
		{"at once", 0, []string{first, second, third}, nil},
		{"before the first has ended", webhook.OverlapTime - 2*time.Minute, []string{first, second, third}, nil},
		{"when the first has ended", time.Minute, []string{second, third}, []string{first}},
		{"when all former ones have ended", time.Minute, []string{third}, []string{first, second}},
	} {
		h.clock.Advance(tt.after)
		h.mustHandle(t, h.event(h.newAsset(), bus.AssetReady, 2))
		r := h.last(t)
		// The library judges by the machine's clock whether a request is too old.
		if n := len(strings.Fields(r.headers[webhook.HeaderSignature])); n != len(tt.taken) {
			t.Errorf("%s: %d signatures, want %d", tt.name, n, len(tt.taken))
		}
		for _, s := range tt.taken {
			if !signedBy(t, s, r) {
				t.Errorf("%s: a receiver with a secret that should sign refuses", tt.name)
			}
		}
		for _, s := range tt.denied {
			if signedBy(t, s, r) {
				t.Errorf("%s: a secret that has ended still signs", tt.name)
			}
		}
	}
}

// signedBy is accepts for requests of another day than the machine's.
func signedBy(t testing.TB, secret string, r sent) bool {
	t.Helper()
	lib, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	headers := http.Header{}
	for k, v := range r.headers {
		headers.Set(k, v)
	}
	return lib.VerifyIgnoringTimestamp([]byte(r.body), headers) == nil
}

func TestRotationsWithinADayAreBounded(t *testing.T) {
	h := newHouse(t)
	wh := h.mustCreate(t, address)
	seen := map[string]bool{}
	for range webhook.MaxRotations {
		h.clock.Advance(time.Minute)
		_, s, err := h.RotateSecret(t.Context(), h.owner, h.w, wh.ID)
		if err != nil || seen[s] {
			t.Fatalf("RotateSecret = known %t, %v", seen[s], err)
		}
		seen[s] = true
	}
	_, _, err := h.RotateSecret(t.Context(), h.owner, h.w, wh.ID)
	domaintest.WantKind(t, "one rotation too many", err, fault.Conflict)
	h.clock.Advance(webhook.OverlapTime)
	if got, _, err := h.RotateSecret(t.Context(), h.owner, h.w, wh.ID); err != nil || len(got.Rotated) != 1 || got.Epoch != webhook.MaxRotations+2 {
		t.Errorf("a day later RotateSecret = %+v, %v", got, err)
	}
}

func TestSecretsAreNotInTheTable(t *testing.T) {
	h := newHouse(t)
	wh, secret, err := h.Create(t.Context(), h.owner, h.w, webhook.Spec{URL: address})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(secret, webhook.SecretPrefix) || len(secret) != len(webhook.SecretPrefix)+44 {
		t.Errorf("the secret has the form of %d characters, want whsec_ and 44", len(secret))
	}
	h.says(500)
	h.mustHandle(t, h.event(h.newAsset(), bus.AssetReady, 2))
	if _, _, err := h.RotateSecret(t.Context(), h.owner, h.w, wh.ID); err != nil {
		t.Fatal(err)
	}
	cs, _, err := h.table.(table.Feed).Changes(t.Context(), "", 1000)
	if err != nil || len(cs) < 4 {
		t.Fatalf("%d changes, %v", len(cs), err)
	}
	for _, c := range cs {
		for _, part := range []string{webhook.SecretPrefix, strings.TrimPrefix(secret, webhook.SecretPrefix), "v1,"} {
			if strings.Contains(fmt.Sprintf("%q", c.New), part) {
				t.Errorf("row %s holds %q", c.Key, part)
			}
		}
	}
}
