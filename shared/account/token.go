package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// TokenFor is how long an access token works. Its end is a whole second, so that it may be up to a second less.
const TokenFor = 3600 * time.Second

// Token is an access token that was just made.
type Token struct {
	Secret    string // what its bearer sends; nothing can show it again
	Client    id.Client
	Scopes    []Scope
	ExpiresAt time.Time // a whole second
}

// grant is what is kept of a token.
type grant struct {
	client  id.Client
	secret  int // number of the client's secret that it was got with
	scopes  []Scope
	expires time.Time
}

// Exchange gives a client that names itself with one of its secrets an access token for TokenFor. The scope is some of the client's scopes
// with spaces between; "" is all of them. The error is fault.BadCredentials for a client or secret of a wrong form (found without a read),
// an unknown client and a wrong secret, which cannot be told apart; fault.Invalid for a scope that the client has not.
func (s *Service) Exchange(ctx context.Context, clientID, secret, scope string) (Token, error) {
	r, number, err := s.signIn(ctx, clientID, secret)
	if err != nil {
		return Token{}, err
	}
	scopes, err := r.narrow(scope)
	if err != nil {
		return Token{}, err
	}
	g := grant{client: r.ID, secret: number, scopes: scopes, expires: s.now().Add(TokenFor).UTC().Truncate(time.Second)}
	for range maxTries {
		text, sum := newSecret(TokenPrefix)
		taken, err := s.insert(ctx, g.item(sum))
		if err != nil {
			return Token{}, fmt.Errorf("exchange client %s: %w", r.ID, err)
		}
		if !taken {
			return Token{Secret: text, Client: r.ID, Scopes: slices.Clone(scopes), ExpiresAt: g.expires}, nil
		}
	}
	return Token{}, errors.New("exchange: every token that was drawn is taken")
}

// WellFormed says whether an id and a secret have the form of a client's, so that Exchange and RevokeToken would read who it is; every other
// pair they refuse at once.
func WellFormed(clientID, secret string) (c id.Client, ok bool) {
	c, err := id.ParseClient(clientID)
	if err != nil {
		return id.Client{}, false
	}
	_, ok = parseSecret(ClientSecretPrefix, secret)
	return c, ok
}

// signIn finds the client that an id and a secret name, and the number of the secret. The row is read each time: so a secret that was dropped
// is worth nothing at once, and the time it takes does not say whether there is such a client.
func (s *Service) signIn(ctx context.Context, clientID, secret string) (r record, number int, err error) {
	c, err := id.ParseClient(clientID)
	if err != nil {
		return record{}, 0, badClient()
	}
	sum, ok := parseSecret(ClientSecretPrefix, secret)
	if !ok {
		return record{}, 0, badClient()
	}
	r, err = s.readClient(ctx, c)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return record{}, 0, err
	}
	if number = r.knows(sum); number == 0 {
		return record{}, 0, badClient()
	}
	return r, number, nil
}

// badClient is the one answer for credentials of a wrong form, an unknown client, and a wrong or dropped secret.
func badClient() *fault.Error {
	return fault.New(fault.BadCredentials, "The client id and secret do not belong together: one of them is mistyped or unknown, the secret was dropped, "+
		"or the client was deleted. An id begins with %s, a secret with %s.", id.ClientPrefix, ClientSecretPrefix)
}

// narrow reads a scope that is asked for.
func (c Client) narrow(scope string) ([]Scope, error) {
	if scope == "" {
		return c.Scopes, nil
	}
	var asked []Scope
	for _, text := range strings.Split(scope, " ") {
		if !c.Has(Scope(text)) {
			return nil, fault.BadField("scope", "asks for %.40q; this client has %s", text, JoinScopes(c.Scopes))
		}
		asked = append(asked, Scope(text))
	}
	return inOrder(asked), nil
}

// JoinScopes spells scopes as one text, with spaces between.
func JoinScopes(scopes []Scope) string {
	texts := make([]string, len(scopes))
	for i, sc := range scopes {
		texts[i] = string(sc)
	}
	return strings.Join(texts, " ")
}

// AuthenticateToken says who an access token speaks for: the principal, and the client with just those of its scopes that the token has. The
// answer may be CacheFor old, but a token whose time is over is over at once. The error is fault.NoCredentials for "", fault.BadCredentials for
// a token of a wrong form (found without a read), and for an unknown, expired or revoked one, one whose secret was dropped, and one
// whose client was deleted, which cannot be told apart.
func (s *Service) AuthenticateToken(ctx context.Context, token string) (access.Principal, Client, error) {
	if token == "" {
		return access.Principal{}, Client{}, fault.New(fault.NoCredentials, "No access token was sent. Exchange the client's id and secret for one, and send it as Authorization: Bearer %s…", TokenPrefix)
	}
	sum, ok := parseSecret(TokenPrefix, token)
	if !ok {
		return access.Principal{}, Client{}, badToken()
	}
	g, err := s.grant(ctx, sum)
	if err != nil {
		return access.Principal{}, Client{}, err
	}
	r, err := s.cachedClient(ctx, g.client)
	if fault.Is(err, fault.NotFound) {
		return access.Principal{}, Client{}, badToken()
	}
	if err != nil {
		return access.Principal{}, Client{}, err
	}
	if !r.holds(g.secret) {
		return access.Principal{}, Client{}, badToken()
	}
	c := r.Client
	c.Secrets, c.Scopes = slices.Clone(c.Secrets), slices.Clone(g.scopes)
	return c.principal(), c, nil
}

// principal is what a client with these scopes is in its workspace.
func (c Client) principal() access.Principal {
	role := access.Viewer
	if c.Has(Write) {
		role = access.Editor
	}
	return access.Principal{Key: c.ID.Key(), Client: c.ID, Grants: map[id.Workspace]access.Role{c.Workspace: role}}
}

// grant finds a token by its digest, at most CacheFor old.
func (s *Service) grant(ctx context.Context, sum digest) (grant, error) {
	now := s.now()
	g, ok := s.tokens.get(sum, now)
	if !ok {
		it, err := s.t.Get(ctx, schema.TokenKey(sum), table.Strong)
		if errors.Is(err, table.ErrNotFound) {
			return grant{}, badToken()
		}
		if err != nil {
			return grant{}, fmt.Errorf("read access token: %w", err)
		}
		if g, err = decodeToken(it); err != nil {
			return grant{}, err
		}
		s.tokens.put(sum, g, now)
	}
	if !now.Before(g.expires) {
		return grant{}, badToken()
	}
	return g, nil
}

func (s *Service) cachedClient(ctx context.Context, c id.Client) (record, error) {
	now := s.now()
	if r, ok := s.clients.get(c, now); ok {
		return r, nil
	}
	r, err := s.readClient(ctx, c)
	if err != nil {
		return record{}, err
	}
	s.clients.put(c, r, now)
	return r, nil
}

// badToken is the one answer for every token that is worth nothing.
func badToken() *fault.Error {
	return fault.New(fault.BadCredentials, "The access token is not valid: it is mistyped, unknown, expired or revoked. Exchange the client's id and secret for a new one; it begins with %s.", TokenPrefix)
}

// RevokeToken ends an access token of the client that asks, at the latest CacheFor from now in other processes; one that is unknown, over or
// revoked already is no error. The error is fault.BadCredentials as for Exchange, and fault.Forbidden for a token of another client,
// which stays good.
func (s *Service) RevokeToken(ctx context.Context, clientID, secret, token string) error {
	r, _, err := s.signIn(ctx, clientID, secret)
	if err != nil {
		return err
	}
	sum, ok := parseSecret(TokenPrefix, token)
	if !ok {
		return nil
	}
	_, err = s.t.Write(ctx, table.Delete(schema.TokenKey(sum), table.Eq(schema.OrderClient, table.String(r.ID.String()))))
	current, lost := table.Lost(err)
	switch {
	case lost && current != nil:
		return fault.New(fault.Forbidden, "The access token was issued to another client; only that client can revoke it.")
	case err != nil && !lost:
		return fmt.Errorf("revoke a token of client %s: %w", r.ID, err)
	}
	s.tokens.drop(sum)
	return nil
}

func (g grant) item(sum digest) table.Item {
	k := schema.TokenKey(sum)
	return table.Item{
		table.AttrPK:       table.String(k.PK),
		table.AttrSK:       table.String(k.SK),
		schema.OrderClient: table.String(g.client.String()),
		schema.SecretNo:    table.Int(int64(g.secret)),
		schema.Scopes:      encodeScopes(g.scopes),
		table.AttrExpires:  table.Int(g.expires.Unix()),
	}
}

func decodeToken(it table.Item) (grant, error) {
	c, err := id.ParseClient(it.Str(schema.OrderClient))
	if err != nil {
		return grant{}, fmt.Errorf("row of an access token: client: %w", err)
	}
	return grant{
		client: c, secret: int(it.Int(schema.SecretNo)), scopes: decodeScopes(it[schema.Scopes]),
		expires: time.Unix(it.Int(table.AttrExpires), 0).UTC(),
	}, nil
}
