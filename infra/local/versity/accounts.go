package versity

import (
	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/s3err"
)

// accounts are who may use the server beside the account of its settings, access key to secret. They do not change while it runs.
type accounts map[string]string

var _ auth.IAMService = accounts(nil)

// GetUserAccount gives an account with every right on every bucket. An unknown key is refused as S3 does, with InvalidAccessKeyId.
func (a accounts) GetUserAccount(access string) (auth.Account, error) {
	secret, known := a[access]
	if !known {
		return auth.Account{}, auth.ErrNoSuchUser
	}
	return auth.Account{Access: access, Secret: secret, Role: auth.RoleAdmin}, nil
}

// ResolveAccounts names the keys that are no account.
func (a accounts) ResolveAccounts(keys []string) ([]string, error) {
	missing := []string{}
	for _, k := range keys {
		if _, known := a[k]; !known {
			missing = append(missing, k)
		}
	}
	return missing, nil
}

// errFixed is the answer to whoever wants to manage accounts over HTTP.
var errFixed = s3err.GetAPIError(s3err.ErrAdminMethodNotSupported)

// CreateAccount is refused.
func (accounts) CreateAccount(auth.Account) error { return errFixed }

// UpdateUserAccount is refused.
func (accounts) UpdateUserAccount(string, auth.MutableProps) error { return errFixed }

// DeleteUserAccount is refused.
func (accounts) DeleteUserAccount(string) error { return errFixed }

// ListUserAccounts is refused: secrets leave the process for nobody.
func (accounts) ListUserAccounts() ([]auth.Account, error) { return nil, errFixed }

// Shutdown does nothing.
func (accounts) Shutdown() error { return nil }
