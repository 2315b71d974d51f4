package upload

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/name"
	"github.com/assetry/assetry/shared/table"
)

// Defaults of ImportOptions.
const (
	DefaultMaxImport      = 50 << 20         // bytes; the published contract says 50 MB, and means binary units elsewhere
	DefaultImportParallel = 4                // ranges
	DefaultImportPart     = 8 << 20          // bytes; only one is ever kept in memory, so a run stays far below 64 MiB
	DefaultImportTime     = 12 * time.Minute // a function lives for 15 minutes, and what is under way needs time to end
	DefaultImportHops     = 2000             // 400 hours of work: 5 TB at 3.5 MB/s; the bucket drops open parts after 30 days
	DefaultImportBeat     = 5 * time.Second
	DefaultImportPause    = 500 * time.Millisecond
)

// ImportOptions are how imports by address are copied. The zero value works.
type ImportOptions struct {
	MaxSize  int64         // bytes of a source where BeginImport is given no other limit; 0 is DefaultMaxImport
	Parallel int           // ranges of a source that are copied at once; 0 is DefaultImportParallel
	Part     int64         // bytes of a range, at least MinPartSize; larger where MaxParts would not suffice; 0 is DefaultImportPart
	Time     time.Duration // how long one worker begins parts before it hands over; 0 is DefaultImportTime
	Hops     int           // how often workers of one attempt may hand over; 0 is DefaultImportHops
	Beat     time.Duration // how often a worker shows progress and renews its lease; 0 is DefaultImportBeat
	// BytesADay is how many bytes the imports of one workspace copy on one day (UTC) at most; 0: no limit. Each attempt counts what it copies, once.
	BytesADay int64
	Pause     time.Duration // before what failed for a moment is tried again; doubles each time; 0 is DefaultImportPause
}

func (o ImportOptions) withDefaults() ImportOptions {
	return ImportOptions{
		MaxSize: cmp.Or(o.MaxSize, DefaultMaxImport), Parallel: cmp.Or(o.Parallel, DefaultImportParallel), Part: cmp.Or(o.Part, DefaultImportPart),
		Time: cmp.Or(o.Time, DefaultImportTime), Hops: cmp.Or(o.Hops, DefaultImportHops),
		Beat: cmp.Or(o.Beat, DefaultImportBeat), Pause: cmp.Or(o.Pause, DefaultImportPause), BytesADay: o.BytesADay,
	}
}

// BeginImport announces an asset whose bytes a worker is to copy from an address. The committed row of the import is what calls the worker. At
// most maxSize bytes are taken; 0 is ImportOptions.MaxSize, and MaxSize the most. Nothing is written for a draft or an address that is
// refused: fault.Invalid names the fields, the address as "source"; fault.NotFound is a workspace or project the principal may not see.
// Without a name the asset has the last one in the address, if that can be a file's.
func (s *Service) BeginImport(ctx context.Context, p access.Principal, d Draft, source string, maxSize int64) (asset.Asset, error) {
	d.Name = cmp.Or(d.Name, nameIn(source))
	ws, err := s.check(ctx, p, d, asset.ViaURL, fault.FieldsOf(s.Remote.Check(source))...)
	if err != nil {
		return asset.Asset{}, err
	}
	a, err := s.draft(ctx, p, d, asset.ViaURL)
	if err != nil {
		return asset.Asset{}, err
	}
	a.GrantUntil = s.end(s.grant)
	return s.announce(ctx, ws, a, d, nil, func(a asset.Asset) table.Write {
		return table.Put(importRow{
			asset: a.ID, workspace: a.Workspace, run: 1, generation: a.Generation, address: source, attempt: 1,
			limit: min(cmp.Or(maxSize, d.MaxSize, s.imports.MaxSize), MaxSize),
		}.item(s.now()), table.Absent())
	})
}

// nameIn is the last name in the path of an address; "" where it is none that a file may have.
func nameIn(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	last := u.Path[strings.LastIndexByte(u.Path, '/')+1:]
	if name.Check("name", last, name.Max) != nil {
		return ""
	}
	return last
}

// importing is the answer for what cannot be done while a worker copies.
func importing(a asset.Asset) error {
	progress := ""
	if a.Expected > 0 {
		progress = fmt.Sprintf(" %d of %d bytes are here.", a.Received, a.Expected)
	}
	return fault.New(fault.Conflict, "The asset is still being copied from its source.%s It becomes ready or failed by itself; ask again later.", progress)
}
