package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/name"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// MaxSecrets is how many secrets of a client work at a time: the present one, and the one that takes its place during a rotation.
const MaxSecrets = 2

// Scope is a kind of things that a token lets its bearer do.
type Scope string

// The scopes. Neither includes the other.
const (
	Read  Scope = "read"  // look at what the workspace has
	Write Scope = "write" // create, change and submit
)

// Scopes are all scopes, in the order in which they are written.
func Scopes() []Scope { return []Scope{Read, Write} }

// Tier says how many requests an hour a client has. How many that are is the installation's to say.
type Tier string

// The tiers.
const (
	Standard Tier = "standard"
	Premium  Tier = "premium"
)

// Tiers are all tiers, the smallest first.
func Tiers() []Tier { return []Tier{Standard, Premium} }

// Client is a program that was registered with a workspace, without its secrets.
type Client struct {
	ID        id.Client
	Workspace id.Workspace
	Name      string
	Scopes    []Scope // at least one, in the order of Scopes
	Tier      Tier
	Secrets   []Secret  // those that work, oldest first; 1 to MaxSecrets
	CreatedAt time.Time // to the millisecond
	Version   int64     // counts the writes of the row, from 1
}

// Has says whether a scope is among the client's.
func (c Client) Has(s Scope) bool { return slices.Contains(c.Scopes, s) }

// Secret is one of a client's secrets, without what is secret about it.
type Secret struct {
	Number    int       // counts the client's secrets, from 1; none is used twice
	CreatedAt time.Time // to the millisecond
}

// ClientSpec is what a client may be given. The zero value is every scope and the tier Standard.
type ClientSpec struct {
	Scopes []Scope
	Tier   Tier
}

// IssueClient registers a client with a workspace and gives its first secret, which nothing can show again: only its SHA-256 is kept. The
// name is 1 to name.Max characters, scopes and tier are those that exist, else the error is fault.Invalid; without such a workspace it
// is fault.NotFound.
func (s *Service) IssueClient(ctx context.Context, title string, w id.Workspace, spec ClientSpec) (secret string, c Client, err error) {
	scopes, tier, err := checkSpec(title, spec)
	if err != nil {
		return "", Client{}, err
	}
	for range maxTries {
		now := s.now()
		secret, sum := newSecret(ClientSecretPrefix)
		c := Client{ID: id.NewClient(w, now), Workspace: w, Name: title, Scopes: scopes, Tier: tier, Version: 1}
		c.CreatedAt = id.UUID(c.ID).Time()
		r := record{Client: c}.with(sum, now)
		made, err := s.register(ctx, r)
		if err != nil {
			return "", Client{}, fmt.Errorf("issue client: %w", err)
		}
		if made {
			return secret, r.Client, nil
		}
	}
	return "", Client{}, errors.New("issue client: every id that was drawn is taken")
}

func checkSpec(title string, spec ClientSpec) ([]Scope, Tier, error) {
	bad := fault.FieldsOf(name.Check("name", title, name.Max))
	for _, sc := range spec.Scopes {
		if !slices.Contains(Scopes(), sc) {
			bad = append(bad, fault.Field{Name: "scopes", Message: fmt.Sprintf("%.40q is not one of %q", sc, Scopes())})
		}
	}
	if spec.Tier == "" {
		spec.Tier = Standard
	}
	if !slices.Contains(Tiers(), spec.Tier) {
		bad = append(bad, fault.Field{Name: "tier", Message: fmt.Sprintf("%.40q is not one of %q", spec.Tier, Tiers())})
	}
	if len(spec.Scopes) == 0 {
		return Scopes(), spec.Tier, fault.BadFields(bad)
	}
	return inOrder(spec.Scopes), spec.Tier, fault.BadFields(bad)
}

// inOrder gives those of Scopes that are among some, each once.
func inOrder(some []Scope) []Scope {
	return slices.DeleteFunc(Scopes(), func(sc Scope) bool { return !slices.Contains(some, sc) })
}

// register writes the rows of a new client; false says that another one has its id. A row equal to ours is ours, see insert.
func (s *Service) register(ctx context.Context, r record) (bool, error) {
	row, listed := r.item(), listing(r.Workspace, r.ID)
	err := table.Decide(ctx, s.t, []table.Write{
		table.Check(schema.WorkspaceKey(r.Workspace), table.Present()),
		table.Put(row, table.Absent()),
		table.Put(listed, table.Absent()),
	})
	refused := table.Refused(err)
	switch {
	case refused == nil:
		return err == nil, err
	case refused.Reasons[0] == table.ConditionLost:
		return false, access.Missing("workspace")
	}
	return refused.Current[1] != nil && table.EqualItems(refused.Current[1], row), nil
}

// listing is the entry that lists a client in its workspace. It says nothing but the id, so that it never has to be changed.
func listing(w id.Workspace, c id.Client) table.Item {
	k := schema.ListedClientKey(w, c)
	return table.Item{table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK)}
}

// Client finds a client as it is now. The error is fault.NotFound when there is none.
func (s *Service) Client(ctx context.Context, c id.Client) (Client, error) {
	r, err := s.readClient(ctx, c)
	return r.Client, err
}

// Clients lists the clients of a workspace as they are now, oldest first. A workspace that does not exist has none.
func (s *Service) Clients(ctx context.Context, w id.Workspace) ([]Client, error) {
	q := table.Query{PK: w.String(), From: schema.ClientPrefix, To: schema.AfterPrefix(schema.ClientPrefix), Limit: table.MaxBatchGet}
	var cs []Client
	for {
		page, err := s.t.Query(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("list clients of %s: %w", w, err)
		}
		keys := make([]table.Key, len(page.Items))
		for i, it := range page.Items {
			c, err := schema.ParseListedClient(it.Key().SK)
			if err != nil {
				return nil, fmt.Errorf("list clients of %s: row %s: %w", w, it.Key(), err)
			}
			keys[i] = schema.ClientKey(c)
		}
		rows, err := s.t.BatchGet(ctx, keys, table.Strong)
		if err != nil {
			return nil, fmt.Errorf("list clients of %s: %w", w, err)
		}
		for _, it := range rows {
			if it == nil {
				continue // deleted since the page was read
			}
			r, err := decodeClient(it)
			if err != nil {
				return nil, err
			}
			cs = append(cs, r.Client)
		}
		if page.Next == nil {
			return cs, nil
		}
		q.After = page.Next
	}
}

// RotateClient adds a secret to a client and gives it; the one before goes on to work until DropSecret. The error is fault.Conflict when
// MaxSecrets work already, fault.NotFound when there is no such client.
func (s *Service) RotateClient(ctx context.Context, c id.Client) (secret string, _ Client, err error) {
	secret, sum := newSecret(ClientSecretPrefix)
	r, err := s.changeClient(ctx, c, func(r record) (record, error) {
		if r.knows(sum) != 0 {
			return r, nil // an earlier try wrote it, and its answer was lost
		}
		if len(r.Secrets) >= MaxSecrets {
			return r, fault.New(fault.Conflict, "Client %s has %d secrets that work, numbers %d and %d, which is the most; drop one of them first.",
				c, MaxSecrets, r.Secrets[0].Number, r.Secrets[1].Number)
		}
		return r.with(sum, s.now()), nil
	})
	if err != nil {
		return "", Client{}, err
	}
	return secret, r.Client, nil
}

// DropSecret ends one of a client's secrets, by its number, and every token that was got with it, at the latest CacheFor from now; again is
// no error. The last one cannot be dropped: fault.Conflict. Without such a client, or a secret it never had: fault.NotFound.
func (s *Service) DropSecret(ctx context.Context, c id.Client, number int) (Client, error) {
	r, err := s.changeClient(ctx, c, func(r record) (record, error) {
		switch {
		case number < 1 || number >= r.next:
			return r, fault.New(fault.NotFound, "Client %s has had no secret with the number %d; its last is %d.", c, number, r.next-1)
		case len(r.Secrets) == 1 && r.Secrets[0].Number == number:
			return r, fault.New(fault.Conflict, "Secret %d is the only one of client %s; rotate the client first, or delete it.", number, c)
		}
		return r.without(number), nil
	})
	return r.Client, err
}

// changeClient reads a client, lets edit change it, and writes it back if nobody else did meanwhile, a few times. What edit leaves as it is
// is not written.
func (s *Service) changeClient(ctx context.Context, c id.Client, edit func(record) (record, error)) (record, error) {
	for range maxTries {
		r, err := s.readClient(ctx, c)
		if err != nil {
			return record{}, err
		}
		was := r.item()
		if r, err = edit(r); err != nil {
			return record{}, err
		}
		if !table.EqualItems(was, r.item()) {
			r.Version++
			won, err := s.replace(ctx, r.item(), r.Version-1)
			if err != nil {
				return record{}, fmt.Errorf("change client %s: %w", c, err)
			}
			if !won {
				continue
			}
		}
		s.clients.drop(c)
		return r, nil
	}
	return record{}, busy("client", c.String())
}

// DeleteClient ends a client, its secrets and its tokens, at the latest CacheFor from now. What it made stays. The error is fault.NotFound
// when there is no such client.
func (s *Service) DeleteClient(ctx context.Context, c id.Client) error {
	r, err := s.readClient(ctx, c)
	if err != nil {
		return err
	}
	err = table.Decide(ctx, s.t, []table.Write{
		table.Delete(schema.ClientKey(c), table.Present()),
		table.Delete(schema.ListedClientKey(r.Workspace, c), table.Present()),
	})
	if err != nil && table.Refused(err) == nil {
		return fmt.Errorf("delete client %s: %w", c, err)
	}
	// A lost condition says that somebody else deleted it since it was read, or that our own first answer was lost.
	s.clients.drop(c)
	return nil
}
