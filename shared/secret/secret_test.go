package secret_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/assetry/assetry/shared/secret"
)

func TestParseRootReadsWhatEncodeWrites(t *testing.T) {
	r := secret.NewRoot()
	again, err := secret.ParseRoot(" \n" + r.Encode() + "\n")
	if err != nil || again.Encode() != r.Encode() {
		t.Errorf("ParseRoot = %q, %v, want %q", again.Encode(), err, r.Encode())
	}
	if secret.NewRoot().Encode() == r.Encode() {
		t.Error("two new roots are the same")
	}
}

func TestParseRootReadsWhatSecretsManagerDraws(t *testing.T) {
	// PasswordLength 43 without punctuation: any letters and digits, whatever the bits of the last one that are left over.
	seen := map[string]string{}
	for _, text := range []string{
		strings.Repeat("A", 43), strings.Repeat("z", 43), strings.Repeat("9", 43),
		"q0W1e2R3t4Y5u6I7o8P9a0S1d2F3g4H5j6K7l8Z9x0C", "Q0W1e2R3t4Y5u6I7o8P9a0S1d2F3g4H5j6K7l8Z9x0C",
	} {
		r, err := secret.ParseRoot(text)
		if err != nil {
			t.Errorf("ParseRoot(%q): %v", text, err)
			continue
		}
		if other, taken := seen[r.Encode()]; taken {
			t.Errorf("%q and %q are the same key", text, other)
		}
		seen[r.Encode()] = text
		padded, err := secret.ParseRoot(text + "=")
		if err != nil || padded.Encode() != r.Encode() {
			t.Errorf("with its padding %q is another key: %v", text, err)
		}
	}
}

func TestParseRootRefuses(t *testing.T) {
	for _, tt := range []struct{ name, text string }{
		{"nothing", ""},
		{"31 bytes", base64.StdEncoding.EncodeToString(make([]byte, 31))},
		{"33 bytes", base64.StdEncoding.EncodeToString(make([]byte, 33))},
		{"no base64", strings.Repeat("!", 44)},
		{"hexadecimal", strings.Repeat("0", 64)},
		{"42 letters", strings.Repeat("a", 42)},
		{"44 letters", strings.Repeat("a", 44)},
		{"padding twice", strings.Repeat("a", 43) + "=="},
		{"a letter that base64 does not have", strings.Repeat("a", 42) + "-"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := secret.ParseRoot(tt.text); err == nil {
				t.Errorf("ParseRoot(%q) gave no error", tt.text)
			} else if tt.text != "" && strings.Contains(err.Error(), tt.text) {
				t.Errorf("the error %q repeats the key", err)
			}
		})
	}
}

func TestDeriveIsStable(t *testing.T) {
	r, err := secret.ParseRoot(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	// Links and cursors in the field depend on these bytes: they were computed with another HKDF (RFC 5869, SHA-256, no salt).
	for _, tt := range []struct {
		purpose, scope string
		epoch          int
		want           string
	}{
		{secret.PurposeLink, "ws_1", 1, "8d93424d8a79af4affcd0887af9dae5dc184da5bd665d014ca8f40752741edeb"},
		{secret.PurposeCursor, "", 0, "f62b6d00302faa04ce13c0cd277177eb9a1b984d3348ba87f5d67f759f913ae5"},
	} {
		key := r.Derive(tt.purpose, tt.scope, tt.epoch)
		if got := hex.EncodeToString(key[:]); got != tt.want {
			t.Errorf("Derive(%q, %q, %d) = %s, want %s", tt.purpose, tt.scope, tt.epoch, got, tt.want)
		}
	}
}

func TestDeriveGivesEveryUseItsOwnKey(t *testing.T) {
	r := secret.NewRoot()
	seen := map[[secret.Size]byte]string{}
	for _, purpose := range []string{secret.PurposeLink, secret.PurposeCursor, ""} {
		for _, scope := range []string{"", "ws_1", "ws_2", "1"} {
			for _, epoch := range []int{0, 1, 11} {
				use := fmt.Sprintf("%q %q %d", purpose, scope, epoch)
				key := r.Derive(purpose, scope, epoch)
				if other, ok := seen[key]; ok {
					t.Errorf("%s has the key of %s", use, other)
				}
				seen[key] = use
				if key != r.Derive(purpose, scope, epoch) {
					t.Errorf("%s has two keys", use)
				}
			}
		}
	}
}

func TestRootNeverPrintsItself(t *testing.T) {
	r := secret.NewRoot()
	raw, err := base64.StdEncoding.DecodeString(r.Encode())
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "root", r, "in", struct{ Root secret.Root }{r})
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "root", r, "in", struct{ Root secret.Root }{r})
	asJSON, err := json.Marshal(struct{ Root secret.Root }{r})
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{logged.String(), string(asJSON), fmt.Sprint(r), fmt.Sprint(&r), fmt.Sprint([]secret.Root{r})}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%b", "%o"} {
		texts = append(texts, fmt.Sprintf(verb, r), fmt.Sprintf(verb, &r), fmt.Sprintf(verb, struct{ Root secret.Root }{r}),
			fmt.Sprintf(verb, struct{ root secret.Root }{r}), fmt.Sprintf(verb, &struct{ root secret.Root }{r}))
	}
	for _, text := range texts {
		for _, form := range []string{r.Encode()[:12], hex.EncodeToString(raw[:4]), fmt.Sprintf("%d %d %d", raw[0], raw[1], raw[2])} {
			if strings.Contains(strings.ToLower(text), strings.ToLower(form)) {
				t.Errorf("%q shows the key", text)
			}
		}
	}
}
