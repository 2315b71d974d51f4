// Package oauth gives out and takes back the access tokens of the Orders API: the token endpoint of OAuth 2.0 (RFC 6749) with the client
// credentials grant alone, and the revocation endpoint (RFC 7009).
//
// Choices that the RFCs and the published contract leave open:
//   - the body may be a form or a JSON object, and the client may name itself in the Authorization header, in the body, or alike in both, as the
//     published request does;
//   - a parameter that is sent twice is refused in both encodings, whatever its name; one without a value, or null, counts as absent; unknown
//     ones are ignored; those of the query string are refused, because addresses are logged on their way;
//   - an Authorization header that cannot be read is a client that cannot be told: invalid_client, 401;
//   - requests with credentials of the right form are counted for each client and network address that they come from, so that guessing is
//     bounded, and nobody who only knows a client's id keeps the client itself out.
package oauth

import (
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/api/orders/surface"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/ratelimit"
)

// anHour is how many requests an hour one client may send to these endpoints from one network address. A process needs a token an hour, and
// takes a few more while it is tried out; 600 are some for each of a few hundred processes behind one address. Guesses at 256 random bits
// come to nothing long before; what the bound saves is their cost.
const anHour = 600

// expiresIn is the time that a token surely has, in whole seconds, and what the published contract shows: its end is a whole second, see
// account.TokenFor.
const expiresIn = int(account.TokenFor/time.Second) - 1

// Services is what the routes need.
type Services interface {
	Accounts() *account.Service
	Limits() *ratelimit.Limiter
}

type tokenBody struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"` // seconds
	Scope       string `json:"scope"`
}

// Token is POST /v1/authentication/token: it exchanges a client's id and secret for an access token.
func Token(s Services) http.Handler {
	return web.Route(http.MethodPost, surface.Token, surface.OAuth{}, func(w http.ResponseWriter, r *http.Request) error {
		q, err := read(r)
		if err != nil {
			return err
		}
		if err := checkGrant(q.params[paramGrant]); err != nil {
			return err
		}
		if err := count(r, s, q); err != nil {
			return err
		}
		t, err := s.Accounts().Exchange(r.Context(), q.client, q.secret, q.params[paramScope])
		if err != nil {
			return err
		}
		surface.NoStore(w.Header())
		return web.JSON(w, http.StatusOK, tokenBody{t.Secret, "Bearer", expiresIn, account.JoinScopes(t.Scopes)})
	})
}

func checkGrant(grant string) error {
	switch grant {
	case "":
		return fault.New(fault.Malformed, "grant_type is missing; send grant_type=%s", grantClient)
	case grantClient:
		return nil
	}
	return fault.BadField(paramGrant, "is %.40q; only %s is supported", grant, grantClient)
}

// Revoke is POST /v1/authentication/revoke: it ends an access token of the client that asks.
func Revoke(s Services) http.Handler {
	return web.Route(http.MethodPost, surface.Revoke, surface.OAuth{}, func(w http.ResponseWriter, r *http.Request) error {
		q, err := read(r)
		if err != nil {
			return err
		}
		token := q.params[paramToken]
		if token == "" {
			return fault.New(fault.Malformed, "token is missing; send the access token that is to be revoked as token")
		}
		if err := count(r, s, q); err != nil {
			return err
		}
		if err := s.Accounts().RevokeToken(r.Context(), q.client, q.secret, token); err != nil {
			return err
		}
		surface.NoStore(w.Header())
		w.WriteHeader(http.StatusOK) // RFC 7009, 2.2: also for a token that is unknown, and without a body
		return nil
	})
}

// count counts a request whose credentials may be right. Others are told apart without a read, and so cost nothing that would have to be bounded.
func count(r *http.Request, s Services, q request) error {
	c, ok := account.WellFormed(q.client, q.secret)
	if !ok {
		return nil // and refused by whoever looks at them
	}
	web.SetActor(r.Context(), c.Key().String()) // who it claims to be: the line also says whether it was refused
	st, err := s.Limits().Take(r.Context(), "token#"+c.String()+"#"+network(r.RemoteAddr), anHour, 1)
	surface.SetRate(r.Context(), st)
	return err
}

// network is where a request comes from: an address, or the 64 bits of an IPv6 address that a household has. The gateway writes no port.
func network(remote string) string {
	addr, err := netip.ParseAddr(strings.Trim(remote, "[]"))
	if err != nil {
		port, err := netip.ParseAddrPort(remote)
		if err != nil {
			return "unknown"
		}
		addr = port.Addr()
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	p, _ := addr.Prefix(64) // 64 bits are within those of any IPv6 address
	return p.String()
}
