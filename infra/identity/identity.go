// Package identity gives every function credentials of its own for a run outside AWS, where roles do not exist: a request, a signed address
// and a signed form then name the function that signed them, as they name its role in AWS.
//
// A function's access key is ASSETRY and its folder's name in capitals without hyphens; DynamoDB Local takes only letters and digits. Its
// secret is derived from the secret of the stack's bucket, so that nothing more has to be kept, and lasts as long as that.
package identity

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

// prefix begins every access key, so that none is a name of somebody else's.
const prefix = "ASSETRY"

// Credentials are what a function signs with, as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
type Credentials struct {
	AccessKey, SecretKey string
}

// Of gives the credentials of a function by the name of its folder, such as assets-create, on the stack whose bucket has the secret.
func Of(stackSecret, function string) Credentials {
	mac := hmac.New(sha256.New, []byte(stackSecret))
	mac.Write([]byte("function " + function))
	return Credentials{AccessKey(function), base64.RawURLEncoding.EncodeToString(mac.Sum(nil))}
}

// AccessKey is the access key of a function by the name of its folder.
func AccessKey(function string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(function, "-", ""))
}

// Accounts are the accounts of functions, access key to secret, as a server wants them that is to let them in.
func Accounts(stackSecret string, functions []string) map[string]string {
	out := make(map[string]string, len(functions))
	for _, f := range functions {
		c := Of(stackSecret, f)
		out[c.AccessKey] = c.SecretKey
	}
	return out
}

// Names are functions by their access keys. Two folders whose names differ in hyphens only are an error that names both: nobody could tell
// their requests apart.
func Names(functions []string) (map[string]string, error) {
	out := make(map[string]string, len(functions))
	for _, f := range functions {
		key := AccessKey(f)
		if other, taken := out[key]; taken && other != f {
			return nil, fmt.Errorf("the functions %s and %s have the same access key %s; give one another name", other, f, key)
		}
		out[key] = f
	}
	return out, nil
}
