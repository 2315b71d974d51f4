package upload

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/media"
	"github.com/assetry/assetry/shared/name"
	"github.com/assetry/assetry/shared/project"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// Draft is what a client says of an asset before its bytes.
type Draft struct {
	Workspace id.Workspace
	Name      string     // file name, 1 to name.Max characters; "" is none
	Declared  string     // one of media.Types, an alias of one, or application/octet-stream; "" is none
	Folder    string     // id or name of a library folder, created when absent; "" is none
	Project   id.Project // zero: none
	ID        id.Asset   // drawn before, for a request that may be run again; zero: drawn now
	Again     bool       // ID was given to an earlier run, so the asset may exist, or may have existed
}

// Grant is one signed way in: a POST form to send with the file, begun before it expires.
type Grant struct {
	URL     string
	Fields  map[string]string
	Expires time.Time
}

// undeclared is the content type of bytes that nobody said anything of (RFC 2046).
const undeclared = "application/octet-stream"

// Begin announces an asset and grants its upload. Nothing is written for a draft that is refused: fault.Invalid names
// the fields, fault.NotFound a workspace or project the principal may not see. A draft whose ID is taken is fault.Duplicate.
func (s *Service) Begin(ctx context.Context, p access.Principal, d Draft) (asset.Asset, Grant, error) {
	ws, err := s.check(ctx, p, d)
	if err != nil {
		return asset.Asset{}, Grant{}, err
	}
	a, err := s.draft(ctx, p, d)
	if err != nil {
		return asset.Asset{}, Grant{}, err
	}
	a.Via = asset.ViaSigned
	var g Grant
	a, err = s.announce(ctx, ws, a, d.Again, func(a *asset.Asset) (err error) {
		g, err = s.sign(ctx, *a)
		a.GrantUntil = g.Expires
		return err
	})
	if err != nil {
		return asset.Asset{}, Grant{}, err
	}
	return a, g, nil
}

// check refuses a draft before anything is written.
func (s *Service) check(ctx context.Context, p access.Principal, d Draft) (account.Workspace, error) {
	if err := access.Authorize(p, access.CreateAsset, d.Workspace); err != nil {
		return account.Workspace{}, err
	}
	var bad []fault.Field
	if d.Name != "" {
		bad = fault.FieldsOf(name.Check("name", d.Name, name.Max))
	}
	if d.Declared != "" && d.Declared != undeclared && !media.Allowed(d.Declared) {
		bad = append(bad, fault.Field{Name: "content_type",
			Message: fmt.Sprintf("%.80q is not a type that is taken; allowed are %s", d.Declared, strings.Join(media.Types(), ", "))})
	}
	if err := fault.BadFields(bad); err != nil {
		return account.Workspace{}, err
	}
	if d.Project != (id.Project{}) {
		pr, err := s.Projects.Get(ctx, p, d.Project)
		if err != nil {
			return account.Workspace{}, err
		}
		if pr.Workspace != d.Workspace {
			return account.Workspace{}, access.Missing("project")
		}
	}
	return s.Workspaces.Workspace(ctx, d.Workspace)
}

// draft is the first version of the row of a checked draft, without an id unless the draft gives one. A folder that is named and absent is created.
func (s *Service) draft(ctx context.Context, p access.Principal, d Draft) (asset.Asset, error) {
	a := asset.Asset{
		ID: d.ID, Workspace: d.Workspace, Version: 1, State: asset.Pending, Generation: 1,
		Name: d.Name, Declared: d.Declared, Project: d.Project, CreatedBy: p.Key,
	}
	if d.Folder == "" {
		return a, nil
	}
	var err error
	a.Folder, err = s.Folders.Resolve(ctx, p, d.Workspace, d.Folder)
	return a, err
}

// sign grants the current generation of an asset. It writes nothing and asks nobody.
func (s *Service) sign(ctx context.Context, a asset.Asset) (Grant, error) {
	f, ends, err := s.Bucket.SignForm(ctx, blob.FormSpec{
		Key: a.Source().Key(), Type: declaredType(a), MaxSize: s.maxSize, Expires: s.now().Add(s.grant),
	})
	if err != nil {
		return Grant{}, fmt.Errorf("sign the form of asset %s: %w", a.ID, err)
	}
	return Grant{URL: f.URL, Fields: f.Fields, Expires: ends.UTC().Truncate(time.Second)}, nil
}

// declaredType is the content type that the bytes are stored under.
func declaredType(a asset.Asset) string {
	if a.Declared == "" {
		return undeclared
	}
	return a.Declared
}

// drawIDs bounds how often an id is drawn for one asset: 30 random bits make a second draw rare.
const drawIDs = 3

// announce writes a row under a new id, or under the one it has: if that is taken, or was (again), the error is fault.Duplicate. Grant, where
// there is one, sees the asset before it is written and may still change it.
func (s *Service) announce(
	ctx context.Context, ws account.Workspace, a asset.Asset, again bool, grant func(*asset.Asset) error,
) (asset.Asset, error) {
	given := a.ID != (id.Asset{})
	for range drawIDs {
		if !given {
			a.ID = id.NewAsset(ws.ID, s.now())
		}
		a.Shard = ws.Shard(a.ID)
		if grant != nil {
			if err := grant(&a); err != nil {
				return asset.Asset{}, err
			}
		}
		written, taken, err := s.insert(ctx, a, again)
		switch {
		case err != nil:
			return asset.Asset{}, err
		case written:
			return a, nil
		case taken && given:
			return asset.Asset{}, fault.New(fault.Duplicate, "The asset %s was created before.", a.ID)
		}
	}
	return asset.Asset{}, fault.New(fault.Throttled, "Too many assets are being created in this workspace at the same moment. Repeat the request.")
}

// insert writes a new row, after the marker that leads the sweeper to it. taken says that the id exists, or with again that it did and was
// deleted. Neither written nor taken: another transaction was at it.
func (s *Service) insert(ctx context.Context, a asset.Asset, again bool) (written, taken bool, err error) {
	if err := s.markActive(ctx, a.Workspace, a.CreatedAt()); err != nil {
		return false, false, err
	}
	ws := []table.Write{table.Put(a.Row(), table.Absent())}
	if a.Project != (id.Project{}) {
		ws = append(ws, project.NodePut(a.Project, a.ID, id.NewNode(a.Workspace, s.now())))
	}
	if again {
		ws = append(ws, table.Check(schema.GoneKey(a.ID), table.Absent()))
	}
	if len(ws) == 1 {
		_, err = s.Table.Write(ctx, ws[0])
	} else {
		err = s.Table.Transact(ctx, ws)
	}
	if _, lost := table.Lost(err); lost {
		return false, true, nil
	}
	if refused := table.Refused(err); refused != nil {
		return false, slices.Contains(refused.Reasons, table.ConditionLost), nil
	}
	if err != nil {
		return false, false, fmt.Errorf("announce asset %s: %w", a.ID, err)
	}
	return true, false, nil
}
