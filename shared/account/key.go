package account

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/name"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// MaxGrants is how many workspaces one key may reach: a list without a workspace merges them all.
const MaxGrants = 20

// Key is an API key without its secret.
type Key struct {
	ID        id.Key
	Name      string
	Home      id.Workspace // the workspace it is listed in
	Grants    map[id.Workspace]access.Role
	CreatedAt time.Time // to the millisecond
	Revoked   bool
	Version   int64 // counts the writes of the row, from 1
}

// IssueKey makes a key and gives its secret, which nothing can show again: only its SHA-256 is kept. The name is 1 to name.Max
// characters, the grants are 1 to MaxGrants existing workspaces with a role each, else the error is fault.Invalid. Home is the smallest
// of the workspaces.
func (s *Service) IssueKey(ctx context.Context, title string, grants map[id.Workspace]access.Role) (secret string, key Key, err error) {
	if err := s.checkKey(ctx, title, grants); err != nil {
		return "", Key{}, err
	}
	for range maxTries {
		secret, sum := newSecret(SecretPrefix)
		k := Key{ID: id.NewKey(s.now()), Name: title, Grants: maps.Clone(grants), Version: 1}
		k.CreatedAt = id.UUID(k.ID).Time()
		k.Home = access.Principal{Grants: grants}.Workspaces()[0]
		taken, err := s.insert(ctx, k.item(sum))
		if err != nil {
			return "", Key{}, fmt.Errorf("issue key: %w", err)
		}
		if !taken {
			return secret, k, nil
		}
	}
	return "", Key{}, errors.New("issue key: every secret that was drawn is taken")
}

// checkKey finds everything that is wrong with a key to be issued.
func (s *Service) checkKey(ctx context.Context, title string, grants map[id.Workspace]access.Role) error {
	bad := fault.FieldsOf(name.Check("name", title, name.Max))
	if len(grants) < 1 || len(grants) > MaxGrants {
		m := fmt.Sprintf("names %d workspaces; a key reaches 1 to %d", len(grants), MaxGrants)
		return fault.BadFields(append(bad, fault.Field{Name: "grants", Message: m}))
	}
	ws := access.Principal{Grants: grants}.Workspaces()
	keys := make([]table.Key, len(ws))
	for i, w := range ws {
		keys[i] = schema.WorkspaceKey(w)
	}
	rows, err := s.t.BatchGet(ctx, keys, table.Strong)
	if err != nil {
		return fmt.Errorf("issue key: read its workspaces: %w", err)
	}
	for i, w := range ws {
		if rows[i] == nil {
			bad = append(bad, fault.Field{Name: "grants", Message: fmt.Sprintf("there is no workspace %s", w)})
		}
		if r := grants[w]; !r.Valid() {
			m := fmt.Sprintf("role %q of workspace %s is not one of %q", r, w, access.Roles())
			bad = append(bad, fault.Field{Name: "grants", Message: m})
		}
	}
	return fault.BadFields(bad)
}

// RevokeKey ends a key of a home workspace for good, at the latest CacheFor from now in other processes; again is no error. The error is
// fault.NotFound when the workspace has no such key; one issued within the last moments may not be found yet.
func (s *Service) RevokeKey(ctx context.Context, k id.Key, home id.Workspace) error {
	page, err := s.t.Query(ctx, keyAt(k, home))
	if err != nil {
		return fmt.Errorf("revoke key %s: %w", k, err)
	}
	if len(page.Items) == 0 {
		return access.Missing("API key")
	}
	row := page.Items[0].Key()
	w := table.Update(row, table.All(table.Eq(schema.KeyID, table.String(k.String())), table.Ne(schema.Revoked, table.Bool(true))),
		table.Set(schema.Revoked, table.Bool(true)), table.Add(schema.Version, table.Int(1)))
	_, err = s.t.Write(ctx, w)
	if current, lost := table.Lost(err); lost && current.Bool(schema.Revoked) {
		err = nil
	}
	if err != nil {
		return fmt.Errorf("revoke key %s: %w", k, err)
	}
	s.principals.dropIf(func(p access.Principal) bool { return p.Key == k })
	return nil
}

// Keys lists the keys of a home workspace, oldest first, revoked ones too. It reads an index: a change may show moments later.
func (s *Service) Keys(ctx context.Context, home id.Workspace) ([]Key, error) {
	q := table.Query{Index: schema.IndexKeys, PK: home.String(), Limit: table.MaxQuery}
	var ks []Key
	for {
		page, err := s.t.Query(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("list keys of %s: %w", home, err)
		}
		for _, it := range page.Items {
			k, err := decodeKey(it)
			if err != nil {
				return nil, err
			}
			ks = append(ks, k)
		}
		if page.Next == nil {
			return ks, nil
		}
		q.After = page.Next
	}
}

// Authenticate says who a secret belongs to; the answer may be CacheFor old. The error is fault.NoCredentials for "",
// fault.BadCredentials for a secret of a wrong form (found without a read), an unknown or a revoked one.
func (s *Service) Authenticate(ctx context.Context, secret string) (access.Principal, error) {
	if secret == "" {
		return access.Principal{}, fault.New(fault.NoCredentials, "No API key was sent. Send one as Authorization: Bearer %s…", SecretPrefix)
	}
	sum, ok := parseSecret(SecretPrefix, secret)
	if !ok {
		return access.Principal{}, badKey()
	}
	now := s.now()
	p, ok := s.principals.get(sum, now)
	if !ok {
		var err error
		if p, err = s.readPrincipal(ctx, sum); err != nil {
			return access.Principal{}, err
		}
		s.principals.put(sum, p, now)
	}
	p.Grants = maps.Clone(p.Grants)
	return p, nil
}

func (s *Service) readPrincipal(ctx context.Context, sum digest) (access.Principal, error) {
	it, err := s.t.Get(ctx, schema.APIKeyKey(sum), table.Strong)
	if errors.Is(err, table.ErrNotFound) {
		return access.Principal{}, badKey()
	}
	if err != nil {
		return access.Principal{}, fmt.Errorf("read API key: %w", err)
	}
	k, err := decodeKey(it)
	if err != nil {
		return access.Principal{}, err
	}
	if k.Revoked {
		return access.Principal{}, badKey()
	}
	return access.Principal{Key: k.ID, Grants: k.Grants}, nil
}

func (k Key) item(sum digest) table.Item {
	row := schema.APIKeyKey(sum)
	grants := make(table.Map, len(k.Grants))
	for w, r := range k.Grants {
		grants[w.String()] = table.String(r)
	}
	return table.Item{
		table.AttrPK:   table.String(row.PK),
		table.AttrSK:   table.String(row.SK),
		schema.KeyID:   table.String(k.ID.String()),
		schema.Home:    table.String(k.Home.String()),
		schema.Name:    table.String(k.Name),
		schema.Grants:  grants,
		schema.Version: table.Int(k.Version),
	}
}

func decodeKey(it table.Item) (Key, error) {
	k, err := id.ParseKey(it.Str(schema.KeyID))
	if err != nil {
		return Key{}, fmt.Errorf("row of an API key: id: %w", err)
	}
	home, err := id.ParseWorkspace(it.Str(schema.Home))
	if err != nil {
		return Key{}, fmt.Errorf("row of API key %s: home: %w", k, err)
	}
	m, _ := it[schema.Grants].(table.Map)
	grants := make(map[id.Workspace]access.Role, len(m))
	for text, role := range m {
		w, err := id.ParseWorkspace(text)
		if err != nil {
			return Key{}, fmt.Errorf("row of API key %s: grants: %w", k, err)
		}
		r, _ := role.(table.String)
		grants[w] = access.Role(r)
	}
	return Key{
		ID: k, Name: it.Str(schema.Name), Home: home, Grants: grants, CreatedAt: id.UUID(k).Time(),
		Revoked: it.Bool(schema.Revoked), Version: it.Int(schema.Version),
	}, nil
}

// busy says that a row was written by others again and again.
func busy(kind, which string) *fault.Error {
	return fault.New(fault.Throttled, "The %s %s is being changed by many at once; wait a moment and repeat.", kind, which)
}
