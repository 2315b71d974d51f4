package account

import (
	"context"
	"fmt"
	"iter"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// known is the entry that lists a workspace among all. It says nothing but the id, so that it never has to be changed.
func known(w id.Workspace) table.Item {
	k := schema.KnownKey(w)
	return table.Item{table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK)}
}

// Register lists a workspace that is there among all, for one that was made before there was a list; added says that it was missing there.
// The error is fault.NotFound when there is no such workspace. For operators.
func (s *Service) Register(ctx context.Context, w id.Workspace) (added bool, err error) {
	err = table.Decide(ctx, s.t, []table.Write{
		table.Check(schema.WorkspaceKey(w), table.Present()),
		table.Put(known(w), table.Absent()),
	})
	refused := table.Refused(err)
	switch {
	case err == nil:
		return true, nil
	case refused == nil:
		return false, fmt.Errorf("register workspace %s: %w", w, err)
	case refused.Reasons[0] == table.ConditionLost:
		return false, access.Missing("workspace")
	}
	return false, nil
}

// Workspaces gives every workspace, oldest first, as it is now, beginning after an id (the zero id: with the first). It ends with the first
// error. One that is made meanwhile may be missed. For operators.
func (s *Service) Workspaces(ctx context.Context, after id.Workspace) iter.Seq2[Workspace, error] {
	return func(yield func(Workspace, error) bool) {
		q := table.Query{PK: schema.KnownPartition, Limit: table.MaxBatchGet}
		if after != (id.Workspace{}) {
			q.From = after.String() + "\x00" // behind it
		}
		for {
			pg, err := s.t.Query(ctx, q)
			if err != nil {
				yield(Workspace{}, fmt.Errorf("list workspaces: %w", err))
				return
			}
			if !s.yieldKnown(ctx, pg.Items, yield) || pg.Next == nil {
				return
			}
			q.After = pg.Next
		}
	}
}

// yieldKnown reads the workspaces of one page of the list; false says that enough was seen. An entry without a workspace, which only a table that was
// restored piece by piece can have, is passed over.
func (s *Service) yieldKnown(ctx context.Context, entries []table.Item, yield func(Workspace, error) bool) bool {
	keys := make([]table.Key, len(entries))
	for i, it := range entries {
		w, err := id.ParseWorkspace(it.Key().SK)
		if err != nil {
			yield(Workspace{}, fmt.Errorf("list of workspaces: row %s: %w", it.Key(), err))
			return false
		}
		keys[i] = schema.WorkspaceKey(w)
	}
	rows, err := s.t.BatchGet(ctx, keys, table.Strong)
	if err != nil {
		yield(Workspace{}, fmt.Errorf("read %d workspaces: %w", len(keys), err))
		return false
	}
	for _, it := range rows {
		if it == nil {
			continue
		}
		ws, err := decodeWorkspace(it)
		if !yield(ws, err) || err != nil {
			return false
		}
	}
	return true
}

// KeysReaching lists the keys that reach a workspace, oldest first by their home, revoked ones too. A key is listed in its home, the smallest of its
// workspaces: so the homes up to this one are asked, those that are registered and this one in any case. The error is fault.NotFound when
// there is no such workspace. It reads an index: a change may show moments later. For operators.
func (s *Service) KeysReaching(ctx context.Context, w id.Workspace) ([]Key, error) {
	if _, err := s.readWorkspace(ctx, w); err != nil {
		return nil, err
	}
	var found []Key
	for home, err := range s.homesUpTo(ctx, w) {
		if err != nil {
			return nil, err
		}
		ks, err := s.Keys(ctx, home)
		if err != nil {
			return nil, err
		}
		for _, k := range ks {
			if _, reaches := k.Grants[w]; reaches {
				found = append(found, k)
			}
		}
	}
	return found, nil
}

// homesUpTo gives the registered workspaces before one, and that one at the end.
func (s *Service) homesUpTo(ctx context.Context, w id.Workspace) iter.Seq2[id.Workspace, error] {
	return func(yield func(id.Workspace, error) bool) {
		for ws, err := range s.Workspaces(ctx, id.Workspace{}) {
			if err == nil && ws.ID.String() >= w.String() {
				break
			}
			if !yield(ws.ID, err) {
				return
			}
		}
		yield(w, nil)
	}
}

// FindKey finds a key by its public id, in whichever registered workspace it is at home. The error is fault.NotFound when none has it; one issued
// within the last moments may not be found yet. For operators.
func (s *Service) FindKey(ctx context.Context, k id.Key) (Key, error) {
	for ws, err := range s.Workspaces(ctx, id.Workspace{}) {
		if err != nil {
			return Key{}, err
		}
		page, err := s.t.Query(ctx, keyAt(k, ws.ID))
		if err != nil {
			return Key{}, fmt.Errorf("find key %s: %w", k, err)
		}
		if len(page.Items) > 0 {
			return decodeKey(page.Items[0])
		}
	}
	return Key{}, access.Missing("API key")
}

// keyAt asks for a key in its home.
func keyAt(k id.Key, home id.Workspace) table.Query {
	return table.Query{Index: schema.IndexKeys, PK: home.String(), From: k.String(), To: k.String() + "!", Limit: 1}
}
