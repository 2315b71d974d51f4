package identity_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/identity"
)

func TestCredentialsNameTheFunctionAndDependOnTheStack(t *testing.T) {
	c := identity.Of("secret", "assets-parts-sign")
	if c.AccessKey != "ASSETRYASSETSPARTSSIGN" {
		t.Errorf("access key %q", c.AccessKey)
	}
	if !regexp.MustCompile(`^[A-Za-z0-9]+$`).MatchString(c.AccessKey) || len(c.SecretKey) < 40 || strings.Contains(c.SecretKey, "secret") {
		t.Errorf("credentials %+v: want letters and digits, and a long secret", c)
	}
	if again := identity.Of("secret", "assets-parts-sign"); again != c {
		t.Errorf("credentials of the next start are %+v, want %+v", again, c)
	}
	for _, other := range []identity.Credentials{identity.Of("other", "assets-parts-sign"), identity.Of("secret", "assets-parts-list")} {
		if other.SecretKey == c.SecretKey {
			t.Errorf("%+v has the secret of %+v", other, c)
		}
	}
}

func TestAccountsAndNamesAreTheSameKeys(t *testing.T) {
	functions := []string{"sweep", "open-link"}
	names, err := identity.Names(functions)
	if d := cmp.Diff(map[string]string{"ASSETRYSWEEP": "sweep", "ASSETRYOPENLINK": "open-link"}, names); d != "" || err != nil {
		t.Errorf("Names (-want +got), %v:\n%s", err, d)
	}
	for key, secret := range identity.Accounts("s", functions) {
		if want := identity.Of("s", names[key]); want.SecretKey != secret {
			t.Errorf("Accounts[%s] = %q, want %q", key, secret, want.SecretKey)
		}
	}
}

func TestFunctionsThatCannotBeToldApartAreRefused(t *testing.T) {
	if names, err := identity.Names([]string{"open-link", "openlink"}); err == nil || !strings.Contains(err.Error(), "open-link and openlink") {
		t.Errorf("Names = %v, %v; want an error with both", names, err)
	}
}
