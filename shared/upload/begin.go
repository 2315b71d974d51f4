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
)

// Draft is what a client says of an asset before its bytes.
type Draft struct {
	Workspace id.Workspace
	Name      string     // file name, 1 to name.Max characters; "" is none
	Declared  string     // one of media.Types, an alias of one, or application/octet-stream; "" is none
	Folder    string     // id or name of a library folder, created when absent; "" is none
	Project   id.Project // zero: none

	// ID was drawn before, for a request that may be run again; zero: it is drawn now. A draft whose ID is taken is fault.Duplicate about the
	// field "asset_id", with the bare id, and changes nothing.
	ID id.Asset
	// Again says that ID was given to an earlier run: the asset may exist, or may have existed and be deleted, which is fault.Duplicate too. A
	// direct upload that was cut off is gone on with.
	Again    bool
	Checksum blob.Checksum // of the whole file; zero: none. Without a value only for parts and imports, where it is computed and kept
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
	ws, err := s.check(ctx, p, d, asset.ViaSigned)
	if err != nil {
		return asset.Asset{}, Grant{}, err
	}
	a, err := s.draft(ctx, p, d, asset.ViaSigned)
	if err != nil {
		return asset.Asset{}, Grant{}, err
	}
	var g Grant
	a, err = s.announce(ctx, ws, a, d.Again, func(a *asset.Asset) (err error) {
		g, err = s.sign(ctx, *a, s.now().Add(s.grant))
		a.GrantUntil = g.Expires
		return err
	})
	if err != nil {
		return asset.Asset{}, Grant{}, err
	}
	return a, g, nil
}

// check refuses a draft for a way in before anything is written. Bad is what else is wrong.
func (s *Service) check(ctx context.Context, p access.Principal, d Draft, via asset.Via, bad ...fault.Field) (account.Workspace, error) {
	if err := access.Authorize(p, access.CreateAsset, d.Workspace); err != nil {
		return account.Workspace{}, err
	}
	if d.Name != "" {
		bad = append(bad, fault.FieldsOf(name.Check("name", d.Name, name.Max))...)
	}
	if d.Declared != "" && d.Declared != undeclared && !media.Allowed(d.Declared) {
		bad = append(bad, fault.Field{Name: "content_type",
			Message: fmt.Sprintf("%.80q is not a type that is taken; allowed are %s", d.Declared, strings.Join(media.Types(), ", "))})
	}
	bad = append(bad, checkChecksum(d.Checksum, via)...)
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

// draft is the first version of the row of a checked draft; its id is zero unless it was given. A folder that is named and absent is created.
func (s *Service) draft(ctx context.Context, p access.Principal, d Draft, via asset.Via) (asset.Asset, error) {
	a := asset.Asset{
		ID: d.ID, Workspace: d.Workspace, Version: 1, State: asset.Pending, Generation: 1, Via: via,
		Name: d.Name, Declared: d.Declared, Project: d.Project, CreatedBy: p.Key, Checksum: d.Checksum,
	}
	if d.Folder == "" {
		return a, nil
	}
	var err error
	a.Folder, err = s.Folders.Resolve(ctx, p, d.Workspace, d.Folder)
	return a, err
}

// sign grants the current generation of an asset until a time. It writes nothing and asks nobody.
func (s *Service) sign(ctx context.Context, a asset.Asset, until time.Time) (Grant, error) {
	f, ends, err := s.Bucket.SignForm(ctx, blob.FormSpec{
		Key: a.Source().Key(), Type: declaredType(a), MaxSize: s.maxSize, Checksum: a.Checksum, Expires: until,
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
