// Package account holds workspaces, API keys, clients and their access tokens: who exists, and what opens what.
//
// A workspace is one row; a key is one row under the SHA-256 of its secret, found from its workspace through an index. Both are
// cached in the process for at most CacheFor, so a revoked key and a rotated link may work that much longer elsewhere.
//
// A client is a program of one workspace: one row under its id, and an entry in its workspace that lists it. With one of its secrets it exchanges
// itself for access tokens, each a row under its SHA-256 that expires. A token names the secret that it was got with, and is good as long as
// that secret is one of the client's: so whoever drops a secret or deletes a client writes one row, however many tokens are about. The
// rows of tokens and clients are cached apart, each for at most CacheFor.
//
// Beside its row every workspace has an entry in one partition that lists them all, written in the same transaction. What enumerates (Workspaces,
// KeysReaching, FindKey) is for operators: it is done on nobody's behalf, and no API asks for it.
package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/name"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// CacheFor is how long a process may go on with a workspace or a key it has read: long enough that a busy function reads each
// twice a minute, short enough that revoking is prompt.
const CacheFor = 30 * time.Second

// maxCached bounds each cache, in entries; an entry is under a kilobyte.
const maxCached = 10_000

// maxTries is how often a write that lost a race is tried again before the caller hears of it.
const maxTries = 5

// Workspace is a workspace as it stands at a version of its row.
type Workspace struct {
	ID        id.Workspace
	Name      string
	CreatedAt time.Time    // to the millisecond
	LinkEpoch int          // links minted under an earlier epoch are dead; from 1
	Shards    []ShardEpoch // in order of From; none: one partition since ever
	Version   int64        // counts the writes of the row, from 1
}

// Options are what a Service may be given. The zero value works.
type Options struct {
	Now func() time.Time // nil is time.Now
}

// Service creates and finds workspaces and keys. Safe for concurrent use; make one per process, because it holds the caches.
type Service struct {
	t          table.Table
	now        func() time.Time
	workspaces *cache[id.Workspace, Workspace]
	principals *cache[digest, access.Principal]
	clients    *cache[id.Client, record]
	tokens     *cache[digest, grant]
}

// New makes a Service on a table.
func New(t table.Table, o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Service{
		t:          t,
		now:        o.Now,
		workspaces: newCache[id.Workspace, Workspace](maxCached),
		principals: newCache[digest, access.Principal](maxCached),
		clients:    newCache[id.Client, record](maxCached),
		tokens:     newCache[digest, grant](maxCached),
	}
}

// CreateWorkspace makes a workspace. The name is 1 to name.Max characters, else the error is fault.Invalid.
func (s *Service) CreateWorkspace(ctx context.Context, title string) (Workspace, error) {
	if err := name.Check("name", title, name.Max); err != nil {
		return Workspace{}, err
	}
	for range maxTries {
		now := s.now()
		w := Workspace{ID: id.NewWorkspace(now), Name: title, LinkEpoch: 1, Version: 1}
		w.CreatedAt = id.UUID(w.ID).Time()
		made, err := s.found(ctx, w)
		if err != nil {
			return Workspace{}, fmt.Errorf("create workspace: %w", err)
		}
		if made {
			return w, nil
		}
	}
	return Workspace{}, errors.New("create workspace: every id that was drawn is taken")
}

// found writes the rows of a new workspace; false says that another one has its id, or that others were writing at the moment. A row equal
// to ours is ours, see insert.
func (s *Service) found(ctx context.Context, w Workspace) (bool, error) {
	err := s.t.Transact(ctx, []table.Write{table.Put(w.item(), table.Absent()), table.Put(known(w.ID), table.Absent())})
	if refused := table.Refused(err); refused != nil {
		return refused.Current[0] != nil && table.EqualItems(refused.Current[0], w.item()), nil
	}
	return err == nil, err
}

// Workspace finds a workspace; the answer may be CacheFor old. The error is fault.NotFound when there is none.
func (s *Service) Workspace(ctx context.Context, w id.Workspace) (Workspace, error) {
	now := s.now()
	if ws, ok := s.workspaces.get(w, now); ok {
		ws.Shards = slices.Clone(ws.Shards)
		return ws, nil
	}
	ws, err := s.readWorkspace(ctx, w)
	if err != nil {
		return Workspace{}, err
	}
	s.remember(ws, now)
	return ws, nil
}

func (s *Service) readWorkspace(ctx context.Context, w id.Workspace) (Workspace, error) {
	it, err := s.t.Get(ctx, schema.WorkspaceKey(w), table.Strong)
	if errors.Is(err, table.ErrNotFound) {
		return Workspace{}, access.Missing("workspace")
	}
	if err != nil {
		return Workspace{}, fmt.Errorf("read workspace %s: %w", w, err)
	}
	return decodeWorkspace(it)
}

// remember caches a workspace as read at a time. The cache has its own copy.
func (s *Service) remember(w Workspace, at time.Time) {
	w.Shards = slices.Clone(w.Shards)
	s.workspaces.put(w.ID, w, at)
}

// insert writes a new row; taken says that another one has its key. A row equal to ours under the key is ours, written by an
// earlier attempt of the driver whose answer was lost.
func (s *Service) insert(ctx context.Context, it table.Item) (taken bool, err error) {
	_, err = s.t.Write(ctx, table.Put(it, table.Absent()))
	if current, lost := table.Lost(err); lost {
		return !table.EqualItems(current, it), nil
	}
	return false, err
}

// change reads a workspace, lets edit change it, and writes it back if nobody else did meanwhile, a few times. Edit gives false
// when there is nothing to write.
func (s *Service) change(ctx context.Context, w id.Workspace, edit func(*Workspace) (bool, error)) (Workspace, error) {
	for range maxTries {
		now := s.now()
		ws, err := s.readWorkspace(ctx, w)
		if err != nil {
			return Workspace{}, err
		}
		was := ws.Version
		write, err := edit(&ws)
		if err != nil {
			return Workspace{}, err
		}
		if write {
			ws.Version++
			won, err := s.replace(ctx, ws.item(), was)
			if err != nil {
				return Workspace{}, fmt.Errorf("change workspace %s: %w", w, err)
			}
			if !won {
				continue
			}
		}
		s.remember(ws, now)
		return ws, nil
	}
	return Workspace{}, busy("workspace", w.String())
}

// replace writes a row over the version it was made from; won is false when somebody else wrote first. A current row equal to
// ours counts as won: it says what we wanted to say, whoever wrote it.
func (s *Service) replace(ctx context.Context, it table.Item, was int64) (won bool, err error) {
	_, err = s.t.Write(ctx, table.Put(it, table.Eq(schema.Version, table.Int(was))))
	if current, lost := table.Lost(err); lost {
		return table.EqualItems(current, it), nil
	}
	return err == nil, err
}

func (w Workspace) item() table.Item {
	k := schema.WorkspaceKey(w.ID)
	it := table.Item{
		table.AttrPK:     table.String(k.PK),
		table.AttrSK:     table.String(k.SK),
		schema.Name:      table.String(w.Name),
		schema.LinkEpoch: table.Int(int64(w.LinkEpoch)),
		schema.Version:   table.Int(w.Version),
	}
	if len(w.Shards) > 0 {
		it[schema.Shards] = encodeShards(w.Shards)
	}
	return it
}

func decodeWorkspace(it table.Item) (Workspace, error) {
	w, err := id.ParseWorkspace(it.Str(table.AttrPK))
	if err != nil {
		return Workspace{}, fmt.Errorf("workspace row %s: %w", it.Key(), err)
	}
	shards, err := decodeShards(it[schema.Shards])
	if err != nil {
		return Workspace{}, fmt.Errorf("workspace row %s: %w", it.Key(), err)
	}
	return Workspace{
		ID:        w,
		Name:      it.Str(schema.Name),
		CreatedAt: id.UUID(w).Time(),
		LinkEpoch: int(it.Int(schema.LinkEpoch)),
		Shards:    shards,
		Version:   it.Int(schema.Version),
	}, nil
}
