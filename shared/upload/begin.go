package upload

import (
	"context"
	"fmt"
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
	"github.com/assetry/assetry/shared/table"
)

// Draft is what a client says of an asset before its bytes.
type Draft struct {
	Workspace id.Workspace
	Name      string     // file name, 1 to name.Max characters; "" is none
	Declared  string     // one of media.Types, an alias of one, or application/octet-stream; "" is none
	Folder    string     // id or name of a library folder, created when absent; "" is none
	Project   id.Project // zero: none
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
// the fields, fault.NotFound a workspace or project the principal may not see.
func (s *Service) Begin(ctx context.Context, p access.Principal, d Draft) (asset.Asset, Grant, error) {
	ws, err := s.check(ctx, p, d)
	if err != nil {
		return asset.Asset{}, Grant{}, err
	}
	a := s.draft(p, ws, d)
	a.Via = asset.ViaSigned
	if a.Folder, err = s.folder(ctx, p, d); err != nil {
		return asset.Asset{}, Grant{}, err
	}
	for range 3 {
		a.ID = id.NewAsset(ws.ID, s.now())
		a.Shard = ws.Shard(a.ID)
		g, err := s.sign(ctx, a)
		if err != nil {
			return asset.Asset{}, Grant{}, err
		}
		a.GrantUntil = g.Expires
		if taken, err := s.announce(ctx, a); err != nil {
			return asset.Asset{}, Grant{}, err
		} else if !taken {
			return a, g, nil
		}
	}
	return asset.Asset{}, Grant{}, tooBusy()
}

// check refuses a draft before anything is written.
func (s *Service) check(ctx context.Context, p access.Principal, d Draft) (account.Workspace, error) {
	if err := access.Authorize(p, access.CreateAsset, d.Workspace); err != nil {
		return account.Workspace{}, err
	}
	var bad []fault.Field
	if d.Name != "" {
		bad = appendField(bad, name.Check("name", d.Name, name.Max))
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

func appendField(fs []fault.Field, err error) []fault.Field {
	if f, ok := err.(*fault.Error); ok && f != nil {
		return append(fs, f.Fields...)
	}
	return fs
}

// draft is the first version of the row, still without an id.
func (s *Service) draft(p access.Principal, ws account.Workspace, d Draft) asset.Asset {
	return asset.Asset{
		Workspace: ws.ID, Version: 1, State: asset.Pending, Generation: 1,
		Name: d.Name, Declared: d.Declared, Project: d.Project, CreatedBy: p.Key,
	}
}

func (s *Service) folder(ctx context.Context, p access.Principal, d Draft) (id.Folder, error) {
	if d.Folder == "" {
		return id.Folder{}, nil
	}
	return s.Folders.Resolve(ctx, p, d.Workspace, d.Folder)
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

// announce writes a new row, after the marker that leads the sweeper to it. taken says that the id exists: draw another.
func (s *Service) announce(ctx context.Context, a asset.Asset) (taken bool, err error) {
	if err := s.markActive(ctx, a.Workspace, a.CreatedAt()); err != nil {
		return false, err
	}
	put := table.Put(a.Row(), table.Absent())
	if a.Project == (id.Project{}) {
		_, err = s.Table.Write(ctx, put)
	} else {
		err = s.Table.Transact(ctx, []table.Write{put, project.NodePut(a.Project, a.ID, id.NewNode(a.Workspace, s.now()))})
	}
	if _, lost := table.Lost(err); lost || table.Refused(err) != nil {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("announce asset %s: %w", a.ID, err)
	}
	return false, nil
}
