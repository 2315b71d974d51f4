package account

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// record is a client with what is kept of its secrets.
type record struct {
	Client
	sums []digest // beside Secrets
	next int      // number of the next secret; 0 before the first
}

// with is the client with one more secret.
func (r record) with(sum digest, now time.Time) record {
	number := max(r.next, 1)
	r.Secrets = append(slices.Clone(r.Secrets), Secret{Number: number, CreatedAt: time.UnixMilli(now.UnixMilli()).UTC()})
	r.sums = append(slices.Clone(r.sums), sum)
	r.next = number + 1
	return r
}

// without is the client without one of its secrets.
func (r record) without(number int) record {
	i := slices.IndexFunc(r.Secrets, func(s Secret) bool { return s.Number == number })
	if i < 0 {
		return r
	}
	r.Secrets = slices.Delete(slices.Clone(r.Secrets), i, i+1)
	r.sums = slices.Delete(slices.Clone(r.sums), i, i+1)
	return r
}

// knows gives the number of the secret that has a digest; 0: none has. It takes as long whichever it is, and as long when there is none:
// always MaxSecrets comparisons, each over all bytes.
func (r record) knows(sum digest) (number int) {
	for i := range MaxSecrets {
		var kept digest
		var of int
		if i < len(r.sums) {
			kept, of = r.sums[i], r.Secrets[i].Number
		}
		number = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(kept[:], sum[:]), of, number)
	}
	return number
}

// holds says whether a secret of the client still works.
func (r record) holds(number int) bool {
	return slices.ContainsFunc(r.Secrets, func(s Secret) bool { return s.Number == number })
}

func (s *Service) readClient(ctx context.Context, c id.Client) (record, error) {
	it, err := s.t.Get(ctx, schema.ClientKey(c), table.Strong)
	if errors.Is(err, table.ErrNotFound) {
		return record{}, access.Missing("client")
	}
	if err != nil {
		return record{}, fmt.Errorf("read client %s: %w", c, err)
	}
	return decodeClient(it)
}

func (r record) item() table.Item {
	k := schema.ClientKey(r.ID)
	secrets := make(table.List, len(r.Secrets))
	for i, one := range r.Secrets {
		secrets[i] = table.Map{
			schema.SecretNo:   table.Int(int64(one.Number)),
			schema.SecretSum:  table.Bytes(slices.Clone(r.sums[i][:])),
			schema.SecretFrom: table.Int(one.CreatedAt.UnixMilli()),
		}
	}
	return table.Item{
		table.AttrPK:      table.String(k.PK),
		table.AttrSK:      table.String(k.SK),
		schema.Workspace:  table.String(r.Workspace.String()),
		schema.Name:       table.String(r.Name),
		schema.Scopes:     encodeScopes(r.Scopes),
		schema.Tier:       table.String(r.Tier),
		schema.Secrets:    secrets,
		schema.NextSecret: table.Int(int64(r.next)),
		schema.Version:    table.Int(r.Version),
	}
}

func decodeClient(it table.Item) (record, error) {
	c, err := schema.ParseListedClient(it.Key().PK)
	if err != nil {
		return record{}, fmt.Errorf("row of a client %s: %w", it.Key(), err)
	}
	w, err := id.ParseWorkspace(it.Str(schema.Workspace))
	if err != nil {
		return record{}, fmt.Errorf("row of client %s: workspace: %w", c, err)
	}
	r := record{next: int(it.Int(schema.NextSecret)), Client: Client{
		ID: c, Workspace: w, Name: it.Str(schema.Name), Scopes: decodeScopes(it[schema.Scopes]), Tier: Tier(it.Str(schema.Tier)),
		CreatedAt: id.UUID(c).Time(), Version: it.Int(schema.Version),
	}}
	secrets, _ := it[schema.Secrets].(table.List)
	for _, v := range secrets {
		m, _ := v.(table.Map)
		kept, _ := m[schema.SecretSum].(table.Bytes)
		if len(kept) != len(digest{}) {
			return record{}, fmt.Errorf("row of client %s: a secret has a sum of %d bytes", c, len(kept))
		}
		r.sums = append(r.sums, digest(kept))
		r.Secrets = append(r.Secrets, Secret{
			Number:    int(table.Item(m).Int(schema.SecretNo)),
			CreatedAt: time.UnixMilli(table.Item(m).Int(schema.SecretFrom)).UTC(),
		})
	}
	return r, nil
}

func encodeScopes(scopes []Scope) table.List {
	l := make(table.List, len(scopes))
	for i, sc := range scopes {
		l[i] = table.String(sc)
	}
	return l
}

func decodeScopes(v table.Value) []Scope {
	l, _ := v.(table.List)
	scopes := make([]Scope, len(l))
	for i, v := range l {
		text, _ := v.(table.String)
		scopes[i] = Scope(text)
	}
	return inOrder(scopes)
}
