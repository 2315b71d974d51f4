package oauth_test

import (
	"net/http"
	"testing"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/api/orders/oauth"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/tabletest"
)

// counter counts the calls of a table.
type counter struct{ *tabletest.FaultyTable }

func (c *counter) front(t table.Table) table.Table {
	c.FaultyTable = tabletest.Faulty(t)
	return c
}

func (c *counter) calls() int { return c.Calls("") }

func (o *office) token(t testing.TB) string {
	t.Helper()
	tok, err := o.accounts.Exchange(t.Context(), o.id, o.secret, "")
	if err != nil {
		t.Fatal(err)
	}
	return tok.Secret
}

func TestRevoke(t *testing.T) {
	o := newOffice(t)
	header := basic(o.id, o.secret)
	for name, in := range map[string]func(token string) request{
		"by the header and a form": func(tok string) request { return request{auth: header, body: "token=" + tok} },
		"by the header and JSON":   func(tok string) request { return request{auth: header, kind: asJSON, body: `{"token":"` + tok + `"}`} },
		"by the body":              func(tok string) request { return request{body: o.inForm("token=" + tok)} },
		"with a hint": func(tok string) request {
			return request{auth: header, body: "token_type_hint=access_token&token=" + tok}
		},
		"with a hint of another kind, or of none": func(tok string) request {
			return request{auth: header, body: "token_type_hint=refresh_token&token=" + tok}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inShapes(t, func(t *testing.T, send func(testing.TB, http.Handler, request) answer) {
				tok, stays := o.token(t), o.token(t)
				for range 2 { // again is the same
					if got := send(t, oauth.Revoke(o), in(tok)); got.status != 200 || got.body != "" {
						t.Errorf("answer %d %s, want 200 and nothing", got.status, got.body)
					}
				}
				_, _, err := o.accounts.AuthenticateToken(t.Context(), tok)
				domaintest.WantKind(t, "AuthenticateToken", err, fault.BadCredentials)
				if _, _, err := o.accounts.AuthenticateToken(t.Context(), stays); err != nil {
					t.Errorf("another token of the client: %v", err)
				}
			})
		})
	}
}

func TestRevokeOfWhatIsNoTokenIsDone(t *testing.T) {
	o, elsewhere := newOffice(t), newOffice(t)
	for name, token := range map[string]string{"an unknown token": elsewhere.token(t), "garbage": "garbage", "a secret": o.secret, "an API key": "sk_live_x"} {
		if got := sendStraight(t, oauth.Revoke(o), request{auth: basic(o.id, o.secret), body: "token=" + token}); got.status != 200 {
			t.Errorf("%s: answer %d %s, want 200", name, got.status, got.body)
		}
	}
}

func TestRevokeRefusesTheTokenOfAnotherClient(t *testing.T) {
	o := newOffice(t)
	secret, other, err := o.accounts.IssueClient(t.Context(), "another", o.client.Workspace, account.ClientSpec{})
	if err != nil {
		t.Fatal(err)
	}
	tok := o.token(t)
	got := sendStraight(t, oauth.Revoke(o), request{auth: basic(other.ID.String(), secret), body: "token=" + tok})
	if got.status != 400 || got.fields["error"] != "invalid_grant" {
		t.Errorf("answer %d %s, want 400 invalid_grant", got.status, got.body)
	}
	if _, _, err := o.accounts.AuthenticateToken(t.Context(), tok); err != nil {
		t.Errorf("the token afterwards: %v", err)
	}
}

func TestRevokeRefuses(t *testing.T) {
	o := newOffice(t)
	header, token := basic(o.id, o.secret), "token="+o.token(t)
	for name, tt := range map[string]struct {
		in     request
		status int
		code   string
	}{
		"no token":                    {request{auth: header, body: "token_type_hint=access_token"}, 400, "invalid_request"},
		"an empty token":              {request{auth: header, body: "token="}, 400, "invalid_request"},
		"no body":                     {request{auth: header, kind: "-"}, 400, "invalid_request"},
		"the token twice":             {request{auth: header, body: token + "&" + token}, 400, "invalid_request"},
		"the token in the address":    {request{auth: header, query: "?" + token, body: token}, 400, "invalid_request"},
		"another content type":        {request{auth: header, kind: "text/plain", body: token}, 400, "invalid_request"},
		"nobody who asks":             {request{body: token}, 401, "invalid_client"},
		"a client that is not there":  {request{auth: basic("cl_0", o.secret), body: token}, 401, "invalid_client"},
		"the token for a credential":  {request{auth: "Bearer " + token[6:], body: token}, 401, "invalid_client"},
		"the secret of another place": {request{auth: basic(o.id, newOffice(t).secret), body: token}, 401, "invalid_client"},
		"GET":                         {request{method: http.MethodGet, auth: header}, 405, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			inShapes(t, func(t *testing.T, send func(testing.TB, http.Handler, request) answer) {
				if got := send(t, oauth.Revoke(o), tt.in); got.status != tt.status || got.fields["error"] != tt.code {
					t.Errorf("answer %d %s, want %d %s", got.status, got.body, tt.status, tt.code)
				}
			})
		})
	}
	if _, _, err := o.accounts.AuthenticateToken(t.Context(), token[6:]); err != nil {
		t.Errorf("the token after all that: %v", err)
	}
}
