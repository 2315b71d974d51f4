package folder

import (
	"context"
	"fmt"
	"strings"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/name"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// Untitled is the name of a folder that is created without one; the next are called "Untitled folder 2" and so on.
const Untitled = "Untitled folder"

// maxUntitled is up to which number a free name is looked for: ten batches of reads.
const maxUntitled = 1000

// Create makes a folder. The name is 1 to name.Max characters and does not begin like an id, else the error is fault.Invalid; "" takes the
// first free name from Untitled on. A name that another folder of the workspace has is fault.Conflict, and the message names that folder: to
// answer the old folder as if it were new would hide from two people that they share it.
func (s *Service) Create(ctx context.Context, p access.Principal, w id.Workspace, title string) (Folder, error) {
	return s.CreateAs(ctx, p, Folder{Workspace: w, Name: title})
}

// CreateAs is Create under an id that was drawn before, for a request that may be run again: fault.Duplicate when the folder exists. A zero
// id is drawn.
func (s *Service) CreateAs(ctx context.Context, p access.Principal, draft Folder) (Folder, error) {
	if err := access.Authorize(p, access.CreateFolder, draft.Workspace); err != nil {
		return Folder{}, err
	}
	if draft.Name == "" {
		return s.createUntitled(ctx, p, draft)
	}
	if err := checkName("name", draft.Name); err != nil {
		return Folder{}, err
	}
	f, created, err := s.insert(ctx, p, draft)
	if err == nil && !created {
		err = fault.New(fault.Conflict, "A folder of this name exists: %s, %q. Use it, or choose another name.", f.ID, f.Name)
	}
	if err != nil {
		return Folder{}, err
	}
	return f, nil
}

// Resolve gives the folder that a client refers to by id or by name; a name that no folder has is created. Of many who do so at once
// one creates and all get the same folder. An id that is not a folder of the workspace and a text that is no name are fault.Invalid
// about the field "folder".
func (s *Service) Resolve(ctx context.Context, p access.Principal, w id.Workspace, ref string) (id.Folder, error) {
	if err := access.Authorize(p, access.ReadFolder, w); err != nil {
		return id.Folder{}, err
	}
	if strings.HasPrefix(ref, id.FolderPrefix) {
		return s.resolveID(ctx, w, ref)
	}
	if err := checkName("folder", ref); err != nil {
		return id.Folder{}, err
	}
	f, ok, err := s.byName(ctx, w, ref)
	if err != nil || ok {
		return f.ID, err
	}
	if err := access.Authorize(p, access.CreateFolder, w); err != nil {
		return id.Folder{}, err
	}
	f, _, err = s.insert(ctx, p, Folder{Workspace: w, Name: ref})
	return f.ID, err
}

func (s *Service) resolveID(ctx context.Context, w id.Workspace, ref string) (id.Folder, error) {
	missing := fault.BadField("folder", "there is no folder %.60q in workspace %s; send the id of one, or a name", ref, w)
	f, err := id.ParseFolder(ref)
	if err != nil {
		return id.Folder{}, missing
	}
	_, _, err = s.read(ctx, w, f)
	if fault.Is(err, fault.NotFound) {
		return id.Folder{}, missing
	}
	return f, err
}

// insert makes a folder unless another one has the name: then that one is given, and created is false. An id that the draft gives and a folder
// has is fault.Duplicate.
func (s *Service) insert(ctx context.Context, p access.Principal, draft Folder) (f Folder, created bool, err error) {
	given := draft.ID != (id.Folder{})
	for range maxTries {
		f := draft
		if !given {
			f.ID = id.NewFolder(f.Workspace, s.now())
		}
		row, nameRow := f.rows(p.Key)
		err := table.Decide(ctx, s.t, []table.Write{table.Put(row, table.Absent()), table.Put(nameRow, table.Absent())})
		if err == nil {
			return f, true, nil
		}
		refused := table.Refused(err)
		if refused == nil {
			return Folder{}, false, fmt.Errorf("create folder: %w", err)
		}
		if given && refused.Current[0] != nil {
			return Folder{}, false, fault.New(fault.Duplicate, "The folder %s exists already.", f.ID)
		}
		if holder := refused.Current[1]; holder != nil {
			other, err := decodeNameRow(f.Workspace, holder)
			// The name may be held by ourselves: written by an earlier attempt of the driver whose answer was lost.
			return other, other.ID == f.ID, err
		}
		// The drawn id is taken: draw again.
	}
	return Folder{}, false, fault.New(fault.Throttled, "The folder could not be created; wait a moment and repeat.")
}

func (s *Service) createUntitled(ctx context.Context, p access.Principal, draft Folder) (Folder, error) {
	for n := 1; n <= maxUntitled; n++ {
		n, err := s.firstFree(ctx, draft.Workspace, n)
		if err != nil {
			return Folder{}, err
		}
		if n > maxUntitled {
			break
		}
		draft.Name = untitled(n)
		f, created, err := s.insert(ctx, p, draft)
		if err != nil || created {
			return f, err
		}
	}
	return Folder{}, fault.New(fault.Conflict, "There are %d folders called %q already; send a name.", maxUntitled, Untitled)
}

// firstFree is the first number from n on whose untitled name no folder has, or one above maxUntitled.
func (s *Service) firstFree(ctx context.Context, w id.Workspace, n int) (int, error) {
	for n <= maxUntitled {
		size := min(maxUntitled-n+1, table.MaxBatchGet)
		if n == 1 {
			size = 1 // most folders without a name are the first
		}
		keys := make([]table.Key, size)
		for i := range keys {
			keys[i] = schema.FolderNameKey(w, name.Fold(untitled(n+i)))
		}
		rows, err := s.t.BatchGet(ctx, keys, table.Strong)
		if err != nil {
			return 0, fmt.Errorf("find a free folder name: %w", err)
		}
		for i, row := range rows {
			if row == nil {
				return n + i, nil
			}
		}
		n += size
	}
	return n, nil
}

func untitled(n int) string {
	if n == 1 {
		return Untitled
	}
	return fmt.Sprintf("%s %d", Untitled, n)
}
