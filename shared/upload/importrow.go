package upload

import (
	"fmt"
	"time"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/remote"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// keepImport is how long an import's row is kept after an attempt began: longer than the hops of one take, and as long as the bucket keeps open
// parts. A retry after that has to bring the address.
const keepImport = 30 * 24 * time.Hour

// importRow is what is kept of an import beside its asset. This package alone writes and reads it, and nothing else holds the address.
type importRow struct {
	asset      id.Asset
	workspace  id.Workspace
	run        int64 // counts how often a worker was asked for, from 1
	generation int   // of the asset
	address    string
	limit      int64 // bytes
	attempt    int   // counts how often it was begun, from 1
	hop        int   // counts how often workers of the attempt handed over
	kicks      int   // counts how often the sweeper asked for a worker since
	reserved   int64 // bytes that the attempt has counted among those of a day
	worker     string
	leaseUntil time.Time

	// What the source was seen to be and how it is cut, once a worker has planned the parts.
	source   remote.Identity
	verified int    // the last attempt in which source was seen
	upload   string // id of the bucket's upload
	partSize int64  // bytes; 0: nothing is planned
}

// item is the row of an import that begins.
func (r importRow) item(now time.Time) table.Item {
	k := schema.ImportKey(r.asset)
	return table.Item{
		table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK),
		table.AttrExpires: table.Int(now.Add(keepImport).Unix()),
		schema.Workspace:  table.String(r.workspace.String()),
		schema.Version:    table.Int(r.run),
		schema.Generation: table.Int(int64(r.generation)),
		schema.Address:    table.String(r.address),
		schema.MaxSize:    table.Int(r.limit),
		schema.Attempt:    table.Int(int64(r.attempt)),
	}
}

func readImport(it table.Item) (importRow, error) {
	a, ok := schema.ParseImportKey(it.Key())
	if !ok {
		return importRow{}, fmt.Errorf("row %s is not an import", it.Key())
	}
	w, err := id.ParseWorkspace(it.Str(schema.Workspace))
	if err != nil {
		return importRow{}, fmt.Errorf("row %s: %w", it.Key(), err)
	}
	return importRow{
		asset: a, workspace: w, run: it.Int(schema.Version), generation: int(it.Int(schema.Generation)), address: it.Str(schema.Address),
		limit: it.Int(schema.MaxSize), attempt: int(it.Int(schema.Attempt)), hop: int(it.Int(schema.Hop)), kicks: int(it.Int(schema.Kicks)),
		reserved: it.Int(schema.Reserved),
		worker:   it.Str(schema.Worker), leaseUntil: time.UnixMilli(it.Int(schema.LeaseUntil)),
		source:   remote.Identity{ETag: it.Str(schema.SourceETag), Modified: it.Str(schema.SourceModified), Size: it.Int(schema.SourceSize)},
		verified: int(it.Int(schema.Verified)), upload: it.Str(schema.Upload), partSize: it.Int(schema.PartSize),
	}, nil
}

func (r importRow) key() table.Key { return schema.ImportKey(r.asset) }

// plan is how the source is cut.
func (r importRow) plan() Plan { return plan(r.source.Size, r.partSize) }

// resumable says whether a later request can be held to be about the same file: by a strong ETag, or by the time of its last change.
func resumable(s remote.Identity) bool {
	return s.Size > 0 && (strongETag(s) != "" || s.Modified != "")
}

// strongETag is the ETag if it changes with every byte (RFC 9110, 8.8.1), else "".
func strongETag(s remote.Identity) string {
	if len(s.ETag) > 2 && s.ETag[0] == '"' {
		return s.ETag
	}
	return ""
}

// sameFile says whether what a source is seen to be now is what was begun with. Of another address the row has forgotten the time of the last
// change, so that it is believed by a strong ETag only.
func sameFile(was, is remote.Identity) bool {
	if was.Size != is.Size {
		return false
	}
	if strongETag(was) != "" || strongETag(is) != "" {
		return strongETag(was) == strongETag(is)
	}
	return was.Modified != "" && was.Modified == is.Modified
}

// leaseOver holds while no worker's lease runs at a time.
func leaseOver(now time.Time) table.Cond {
	return table.Any(table.HasNot(schema.Worker), table.Less(schema.LeaseUntil, table.Int(now.UnixMilli())))
}

// planEdits write the plan; noPlan removes it.
func (r importRow) planEdits() []table.Edit {
	es := []table.Edit{
		table.Set(schema.PartSize, table.Int(r.partSize)), table.Set(schema.Verified, table.Int(int64(r.verified))),
		table.Remove(schema.SourceETag), table.Remove(schema.SourceModified), table.Remove(schema.SourceSize),
	}
	if r.source.ETag != "" {
		es[2] = table.Set(schema.SourceETag, table.String(r.source.ETag))
	}
	if r.source.Modified != "" {
		es[3] = table.Set(schema.SourceModified, table.String(r.source.Modified))
	}
	if r.source.Size > 0 {
		es[4] = table.Set(schema.SourceSize, table.Int(r.source.Size))
	}
	return es
}

func noPlan() []table.Edit {
	return []table.Edit{
		table.Remove(schema.PartSize), table.Remove(schema.Verified), table.Remove(schema.Upload),
		table.Remove(schema.SourceETag), table.Remove(schema.SourceModified), table.Remove(schema.SourceSize),
	}
}
