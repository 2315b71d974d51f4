package upload

import (
	"context"
	"fmt"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/project"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// drawIDs bounds how often an id is drawn for one asset: 30 random bits make a second draw rare.
const drawIDs = 3

// errTooMany answers a create that kept meeting others.
var errTooMany = fault.New(fault.Throttled, "Too many assets are being created in this workspace at the same moment. Repeat the request.")

// announce writes the row of a draft, under a new id or under the one it has. If that is taken, or was (Draft.Again), the error is fault.Duplicate
// and the answer is the asset that has it; zero if it is deleted. Grant, where there is one, sees the asset before it is written and may still
// change it. What is to be written beside the row is written with it, or not at all: if only that loses, the error is the *table.TransactError.
func (s *Service) announce(
	ctx context.Context, ws account.Workspace, a asset.Asset, d Draft, grant func(*asset.Asset) error, also ...beside,
) (asset.Asset, error) {
	if a.ID != (id.Asset{}) {
		if err := prepare(ws, &a, grant); err != nil {
			return asset.Asset{}, err
		}
		return s.announceGiven(ctx, a, d, also...)
	}
	for range drawIDs {
		a.ID = id.NewAsset(ws.ID, s.now())
		if err := prepare(ws, &a, grant); err != nil {
			return asset.Asset{}, err
		}
		if taken, err := s.insert(ctx, a, d, also...); err != nil {
			return asset.Asset{}, err
		} else if !taken {
			s.begun(a)
			return a, nil
		}
	}
	return asset.Asset{}, errTooMany
}

// prepare completes an asset that has its id.
func prepare(ws account.Workspace, a *asset.Asset, grant func(*asset.Asset) error) error {
	if a.ID.Tag() != ws.ID.Tag() {
		return fmt.Errorf("announce asset %s: the id is not one of workspace %s", a.ID, ws.ID)
	}
	a.Shard = ws.Shard(a.ID)
	if grant == nil {
		return nil
	}
	return grant(a)
}

// insert writes a new row, after the marker that leads the sweeper to it. taken says that the id exists: draw another.
func (s *Service) insert(ctx context.Context, a asset.Asset, d Draft, also ...beside) (taken bool, err error) {
	if err := s.markActive(ctx, a.Workspace, a.CreatedAt()); err != nil {
		return false, err
	}
	rows := s.rows(a, also)
	err = s.write(ctx, rows.with(d, a))
	if _, lost := table.Lost(err); lost {
		return true, nil
	}
	if r := table.Refused(err); r != nil {
		theirs := rows.theirs(r)
		return theirs == nil, asError(theirs)
	}
	if err != nil {
		return false, fmt.Errorf("announce asset %s: %w", a.ID, err)
	}
	return false, nil
}

// beside is another write of the transaction that announces an asset.
type beside func(asset.Asset) table.Write

// newRows are what a new asset writes on its own account: its row, on a project its place there, and what is to be beside them.
type newRows []table.Write

func (s *Service) rows(a asset.Asset, also []beside) newRows {
	ws := newRows{table.Put(a.Row(), table.Absent())}
	if a.Project != (id.Project{}) {
		ws = append(ws, project.NodePut(a.Project, a.ID, id.NewNode(a.Workspace, s.now())))
	}
	for _, b := range also {
		ws = append(ws, b(a))
	}
	return ws
}

// with adds the draft's own writes at the end.
func (ws newRows) with(d Draft, a asset.Asset) []table.Write {
	if d.Beside == nil {
		return ws
	}
	return append(ws[:len(ws):len(ws)], d.Beside(a)...)
}

// theirs are the reasons of the draft's own writes, if one of them lost and none of the asset's; else nil.
func (ws newRows) theirs(r *table.TransactError) *table.TransactError {
	if ours := (&table.TransactError{Reasons: r.Reasons[:len(ws)]}); ours.Lost() || !r.Lost() {
		return nil
	}
	return &table.TransactError{Reasons: r.Reasons[len(ws):], Current: r.Current[len(ws):]}
}

// asError is the error for a refused transaction; nil for none.
func asError(e *table.TransactError) error {
	if e == nil {
		return nil
	}
	return e
}

// write does one write, or several at once.
func (s *Service) write(ctx context.Context, ws []table.Write) error {
	if len(ws) > 1 {
		return table.Decide(ctx, s.Table, ws)
	}
	_, err := s.Table.Write(ctx, ws[0])
	return err
}

// announceGiven writes a row under the id that it was given. An id is used once, also when its asset has been deleted since: the clean-up
// of the first would else take the bytes of the second. What remembers deleted assets is asked only if there may be one.
func (s *Service) announceGiven(ctx context.Context, a asset.Asset, d Draft, also ...beside) (asset.Asset, error) {
	if err := s.leadTo(ctx, a); err != nil {
		return asset.Asset{}, err
	}
	rows := s.rows(a, also)
	if d.Again {
		rows = append(rows, table.Check(schema.GoneKey(a.ID), table.Absent()))
	}
	err := s.write(ctx, rows.with(d, a))
	if current, lost := table.Lost(err); lost {
		return taken(a.ID, current)
	}
	if r := table.Refused(err); r != nil {
		if row, gone := 0, len(rows)-1; r.Reasons[row] == table.ConditionLost || d.Again && r.Reasons[gone] == table.ConditionLost {
			return taken(a.ID, r.Current[row])
		}
		if theirs := rows.theirs(r); theirs != nil {
			return asset.Asset{}, theirs
		}
		return asset.Asset{}, errTooMany
	}
	if err != nil {
		return asset.Asset{}, fmt.Errorf("announce asset %s: %w", a.ID, err)
	}
	s.begun(a)
	return a, nil
}

// leadTo leads the sweeper to an asset whose id may have been drawn some time ago: its pass over the ids may be past it already.
func (s *Service) leadTo(ctx context.Context, a asset.Asset) error {
	if s.now().Sub(a.CreatedAt()) < s.grant {
		return s.markActive(ctx, a.Workspace, a.CreatedAt())
	}
	at := s.waitsUntil(a)
	if now := s.now(); at.Before(now) {
		at = now
	}
	return s.markDue(ctx, a.Workspace, a.ID, at)
}

// taken answers a create whose id has been used, by the asset of a row or by one that is deleted.
func taken(a id.Asset, row table.Item) (there asset.Asset, err error) {
	if row != nil {
		if there, err = asset.FromRow(row); err != nil {
			return there, err
		}
	}
	return there, &fault.Error{
		Kind: fault.Duplicate, Message: fmt.Sprintf("The asset %s was created before.", a),
		Fields: []fault.Field{{Name: "asset_id", Message: a.String()}},
	}
}
