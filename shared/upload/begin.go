package upload

import (
	"cmp"
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
	"github.com/assetry/assetry/shared/table"
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

	// Format is what the bytes must be, one of media.Formats; "": what Declared stands for, else whatever is allowed.
	Format  string
	MaxSize int64        // bytes that are taken at most; 0: what the way in takes
	Orders  asset.Orders // which the asset is an input or a deliverable of from the beginning

	FirstParts int // how many parts are granted at once by the answer, 1 to MaxParts; 0 is PartsPage. Only for uploads by parts

	// Beside gives further writes of the transaction that announces the asset, which it is given as it will be. If one of them loses, nothing is
	// written, and the error is a *table.TransactError with the reasons of these writes, in their order. It may be called more than once, each
	// time for another id. nil: none.
	Beside func(asset.Asset) []table.Write
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
	a, err = s.announce(ctx, ws, a, d, func(a *asset.Asset) (err error) {
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
	bad = append(bad, checkFormat(d)...)
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
		Format: cmp.Or(d.Format, media.FormatOf(d.Declared)), MaxSize: d.MaxSize, Orders: d.Orders,
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
		Key: a.Source().Key(), Type: declaredType(a), MaxSize: atMost(s.maxSize, a), Checksum: a.Checksum, Expires: until,
	})
	if err != nil {
		return Grant{}, fmt.Errorf("sign the form of asset %s: %w", a.ID, err)
	}
	return Grant{URL: f.URL, Fields: f.Fields, Expires: ends.UTC().Truncate(time.Second)}, nil
}

// atMost is how many bytes are taken of an asset by a way in that takes some.
func atMost(way int64, a asset.Asset) int64 {
	if a.MaxSize > 0 {
		return min(way, a.MaxSize)
	}
	return way
}

// checkFormat says what is wrong with the format of a draft.
func checkFormat(d Draft) []fault.Field {
	declared := media.FormatOf(d.Declared)
	switch {
	case d.Format == "":
		return nil
	case !slices.Contains(media.Formats(), d.Format):
		return []fault.Field{{Name: "format", Message: fmt.Sprintf("%.80q is not a format that is known; want %s", d.Format, strings.Join(media.Formats(), " or "))}}
	case d.Declared != "" && d.Declared != undeclared && declared != d.Format:
		return []fault.Field{{Name: "content_type", Message: fmt.Sprintf("%.80q is not the type of %s; leave it out", d.Declared, d.Format)}}
	}
	return nil
}

// declaredType is the content type that the bytes are stored under.
func declaredType(a asset.Asset) string {
	if a.Declared == "" {
		return undeclared
	}
	return a.Declared
}
