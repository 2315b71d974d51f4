package link_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
)

func TestATokenUntilATimeLeadsThereAndNoLonger(t *testing.T) {
	const day = 86_400 * time.Second
	h := newHouse(t)
	a := h.mustReady(t, "Plan of №7.pdf", "application/pdf", "application/pdf", "the plan")
	token := h.TokenUntil(a, h.w, h.now.Add(day))
	url, err := h.Resolve(t.Context(), token, "GET")
	if err != nil {
		t.Fatalf("Resolve: %v", err)
	}
	res, body := fetch(t, "GET", url)
	if res.StatusCode != 200 || body != "the plan" {
		t.Errorf("GET = %d %q, want 200 and the bytes", res.StatusCode, body)
	}
	if got, want := res.Header.Get("Content-Disposition"), `attachment; filename="Plan of _7.pdf"; filename*=UTF-8''Plan%20of%20%E2%84%967.pdf`; got != want {
		t.Errorf("Content-Disposition = %q, want %q", got, want)
	}
	*h.now = h.now.Add(day - 2*time.Second)
	if _, err := h.Resolve(t.Context(), token, "GET"); err != nil {
		t.Errorf("Resolve two seconds before the end: %v", err)
	}
	*h.now = h.now.Add(2 * time.Second)
	_, err = h.Resolve(t.Context(), token, "GET")
	domaintest.WantKind(t, "Resolve at the end", err, fault.NotFound)
	if _, err := h.Resolve(t.Context(), h.Token(a, h.w), "GET"); err != nil {
		t.Errorf("Resolve of the lasting token: %v", err)
	}
}

func TestATokenUntilATimeCannotBeMadeToLastLonger(t *testing.T) {
	h := newHouse(t)
	a := h.mustReady(t, "a.png", "image/png", "image/png", "x")
	token := h.TokenUntil(a, h.w, h.now.Add(time.Minute))
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		b[i] ^= 0x10
		_, err := h.Resolve(t.Context(), base64.RawURLEncoding.EncodeToString(b), "GET")
		domaintest.WantKind(t, "Resolve of an altered token", err, fault.NotFound)
		b[i] ^= 0x10
	}
	rotated, err := h.accounts.RotateLinks(t.Context(), h.w.ID)
	if err != nil {
		t.Fatalf("RotateLinks: %v", err)
	}
	_, err = h.Resolve(t.Context(), token, "GET")
	domaintest.WantKind(t, "Resolve of a token from before the rotation", err, fault.NotFound)
	if now := h.TokenUntil(a, rotated, h.now.Add(time.Minute)); strings.EqualFold(now, token) {
		t.Error("the rotation left the token as it was")
	}
}
