// Package reconcile puts right what the followers of the table's stream left undone while they were cut off from it: the stream forgets a change
// after 24 hours, and its consumers give one up after 12.
//
// It compares, workspace by workspace, what followers make of rows with the rows themselves, and needs no memory of what was lost:
//
//	rows      settles uploads whose time has passed, forgets imports that are over, brings the search index up to the rows, and tells
//	          others again how assets stand that may have changed since a time
//	orders    tells others again how orders stand that may have changed since a time; what is open among them the schedule looks after
//	objects   removes versions and drops multipart uploads that no row names, as clean-up would have done
//	folders   removes the items of folders that were deleted
//
// It reads by query, a page at a time, each with a cursor from which another process can go on. Every step may be repeated, cut off, and done
// by two at once, beside a product that runs. It asks for no principal: it is for operators.
package reconcile

import (
	"context"
	"time"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/folder"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/search"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/upload"
)

// Parts are what a Service stands on.
type Parts struct {
	Table    table.Table
	Accounts *account.Service
	Assets   *asset.Service
	Uploads  *upload.Service
	Folders  *folder.Service
	Search   *search.Service // nil: no index is kept
	Bus      bus.Publisher   // needed where something is told
}

// Options say what a run does. The zero value only looks.
type Options struct {
	Apply bool // do it; else only count what would be done
	// Tell is the time since which changes may not have been told; zero: nothing is told. Events carry it as their time, or the asset's creation if
	// that is later: the earliest it can have happened. So a run that is repeated with the same Tell tells each webhook once.
	Tell time.Time
	// Unknown also removes bytes of which nothing is known at all. Without it they are only counted, because a table that was restored to an
	// earlier time knows nothing of what came later.
	Unknown bool
}

// Service reconciles. Safe for concurrent use.
type Service struct {
	Parts
	Options
}

// New makes a Service.
func New(p Parts, o Options) *Service {
	o.Tell = o.Tell.Truncate(time.Millisecond) // as ids and rows have it
	return &Service{p, o}
}

// Report counts what was done, or would be.
type Report struct {
	Assets     int   `json:"assets"`     // rows looked at
	Orders     int   `json:"orders"`     // rows looked at, where something is told
	Objects    int   `json:"objects"`    // versions and open uploads looked at
	Settled    int   `json:"settled"`    // uploads whose time had passed
	Told       int   `json:"told"`       // events that tell again
	Indexed    int   `json:"indexed"`    // assets of which the search index missed something
	Imports    int   `json:"imports"`    // imports that were over and still kept
	Versions   int   `json:"versions"`   // versions removed
	Bytes      int64 `json:"bytes"`      // of those versions
	Uploads    int   `json:"uploads"`    // multipart uploads dropped
	Folders    int   `json:"folders"`    // deleted folders that still had items
	Unknown    int   `json:"unknown"`    // versions and uploads of which nothing is known, unless they were removed
	Unreadable int   `json:"unreadable"` // rows of assets that cannot be read, and were left alone
}

// Add adds another report.
func (r *Report) Add(o Report) {
	r.Assets += o.Assets
	r.Orders += o.Orders
	r.Objects += o.Objects
	r.Settled += o.Settled
	r.Told += o.Told
	r.Indexed += o.Indexed
	r.Imports += o.Imports
	r.Versions += o.Versions
	r.Bytes += o.Bytes
	r.Uploads += o.Uploads
	r.Folders += o.Folders
	r.Unknown += o.Unknown
	r.Unreadable += o.Unreadable
}

// Page reconciles from a cursor on, a page of rows, of objects or of folders, and gives the cursor to go on from; done says that the workspace
// is at its end. After an error the same page may be done again. The error is fault.NotFound when there is no such workspace.
func (s *Service) Page(ctx context.Context, at Cursor) (r Report, next Cursor, done bool, err error) {
	ws, err := s.Accounts.Workspace(ctx, at.Workspace)
	if err != nil {
		return r, at, false, err
	}
	next = at
	switch at.Step {
	case StepRows:
		next, err = s.rows(ctx, ws, at, &r)
	case StepOrders:
		next, err = s.orders(ctx, at, &r)
	case StepObjects:
		next, err = s.objects(ctx, at, &r)
	case StepFolders:
		next, done, err = s.folders(ctx, at, &r)
	}
	if err != nil {
		return r, at, false, err
	}
	return r, next, done, nil
}

// objects are all of a small workspace, or one byte's share of a larger one's.
func (s *Service) objects(ctx context.Context, at Cursor, r *Report) (Cursor, error) {
	var ls []upload.Leftover
	seen, whole, err := 0, false, error(nil)
	if at.Part == 0 {
		ls, seen, whole, err = s.Uploads.AllLeftovers(ctx, at.Workspace)
	}
	if err == nil && !whole {
		ls, seen, err = s.Uploads.Leftovers(ctx, at.Workspace, byte(at.Part))
	}
	if err != nil {
		return at, err
	}
	r.Objects += seen
	if err := s.remove(ctx, ls, r); err != nil {
		return at, err
	}
	if whole || at.Part == lastByte {
		return Cursor{Workspace: at.Workspace, Step: StepFolders}, nil
	}
	at.Part++
	return at, nil
}

// remove removes what is left over.
func (s *Service) remove(ctx context.Context, ls []upload.Leftover, r *Report) error {
	told := map[id.Asset]bool{}
	for _, l := range ls {
		if l.Why == upload.Unknown && !s.Unknown {
			r.Unknown++
			continue
		}
		if l.Why == upload.Deleted && !told[l.Asset] { // before the bytes go, by which the asset is found
			told[l.Asset] = true
			if err := s.tellEnd(ctx, l.Asset, r); err != nil {
				return err
			}
		}
		if s.Apply {
			if err := s.Uploads.RemoveLeftover(ctx, l); err != nil {
				return err
			}
		}
		if l.Upload != "" {
			r.Uploads++
		} else {
			r.Versions++
			r.Bytes += l.Size
		}
	}
	return nil
}

// folders is a page of folders with items.
func (s *Service) folders(ctx context.Context, at Cursor, r *Report) (next Cursor, done bool, err error) {
	after := id.Folder(at.After)
	found, last, more, err := s.Folders.Abandoned(ctx, at.Workspace, after)
	if err != nil {
		return at, false, err
	}
	for _, f := range found {
		if s.Apply {
			if err := s.Folders.RemoveItems(ctx, at.Workspace, f); err != nil {
				return at, false, err
			}
		}
		r.Folders++
	}
	at.After = id.UUID(last)
	return at, !more, nil
}
