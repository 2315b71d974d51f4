package assets

import (
	"context"
	"net/http"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/link"
	"github.com/assetry/assetry/shared/upload"
)

// LinkServices is what an answer needs that shows an asset: its stable link.
type LinkServices interface {
	Accounts() *account.Service
	Links() *link.Service
	PublicURL() string // origin of links without a slash at the end; "" takes the request's own
}

// unknownType is the content type of bytes nobody has described yet.
const unknownType = "application/octet-stream"

// visibility is the only one the contract knows.
const visibility = "workspace"

// linker makes the stable links of one answer; each workspace is looked up once.
type linker struct {
	accounts   *account.Service
	links      *link.Service
	origin     string
	workspaces map[id.Workspace]account.Workspace
}

func newLinker(r *http.Request, s LinkServices) *linker {
	return &linker{s.Accounts(), s.Links(), origin(r, s.PublicURL()), map[id.Workspace]account.Workspace{}}
}

// origin is where links begin: what the installation says, else where the client reached us.
func origin(r *http.Request, public string) string {
	if public != "" {
		return public
	}
	return web.Origin(r)
}

func (l *linker) url(ctx context.Context, a asset.Asset) (string, error) {
	w, ok := l.workspaces[a.Workspace]
	if !ok {
		web.SetWorkspace(ctx, a.Workspace)
		var err error
		if w, err = l.accounts.Workspace(ctx, a.Workspace); err != nil {
			return "", err
		}
		l.workspaces[a.Workspace] = w
	}
	return l.origin + link.Path + l.links.Token(a, w), nil
}

// formUpload is the signed form as the contract's upload object.
type formUpload struct {
	URL         string            `json:"url"`
	Method      string            `json:"method"`
	ContentType string            `json:"content_type"`
	FileField   string            `json:"file_field"`
	FormFields  map[string]string `json:"form_fields"`
}

// methodParts is the method of an upload by parts, where a form's is POST.
const methodParts = "MULTIPART"

// partsUpload is an upload by parts as the contract's upload object, ours: the plan and the first page of addresses.
type partsUpload struct {
	Method string `json:"method"`
	partsPlan
}

// putUpload is an upload by a bare PUT as the contract's upload object, ours: inputs of orders come so.
type putUpload struct {
	Method string `json:"method"`
	URL    string `json:"url"`
}

// granted is the part of an answer that tells how to bring the bytes; empty when nothing is granted.
type granted struct {
	ExpiresAt string `json:"expires_at,omitempty"`
	Upload    any    `json:"upload,omitempty"`     // formUpload, partsUpload or putUpload
	UploadURL string `json:"upload_url,omitempty"` // where the form goes, or the bare PUT
}

func renderGrant(g upload.Grant) granted {
	return granted{
		ExpiresAt: isoTime(g.Expires),
		Upload: formUpload{
			URL: g.URL, Method: http.MethodPost, ContentType: "multipart/form-data", FileField: fileField, FormFields: g.Fields,
		},
		UploadURL: g.URL,
	}
}

func renderParts(g upload.PartsGrant) granted {
	return granted{ExpiresAt: isoTime(g.Expires), Upload: partsUpload{methodParts, renderPlan(g)}}
}

// renderWay renders whichever way in a retry opened; an import needs nobody to bring its bytes.
func renderWay(way upload.Way) granted {
	switch {
	case way.Form != nil:
		return renderGrant(*way.Form)
	case way.Parts != nil:
		return renderParts(*way.Parts)
	case way.Put != nil:
		return granted{ExpiresAt: isoTime(way.Put.Expires), Upload: putUpload{http.MethodPut, way.Put.URL}, UploadURL: way.Put.URL}
	}
	return granted{}
}

// createAnswer is AssetCreate.
type createAnswer struct {
	AssetID     string `json:"asset_id"`
	Status      string `json:"status"`
	UploadedVia string `json:"uploaded_via"`
	URL         string `json:"url"`
	Visibility  string `json:"visibility"`
	WorkspaceID string `json:"workspace_id"`
	granted
}

func (l *linker) create(ctx context.Context, a asset.Asset, g granted) (createAnswer, error) {
	u, err := l.url(ctx, a)
	return createAnswer{
		AssetID: assetPrefix + a.ID.String(), Status: string(a.State), UploadedVia: string(a.Via), URL: u,
		Visibility: visibility, WorkspaceID: a.Workspace.String(), granted: g,
	}, err
}

// actionAnswer is AssetAction: the answer to complete, retry and upload.
type actionAnswer struct {
	AssetID        string  `json:"asset_id"`
	Status         string  `json:"status"`
	URL            string  `json:"url"`
	Visibility     string  `json:"visibility"`
	WorkspaceID    string  `json:"workspace_id"`
	FailureMessage *string `json:"failure_message"`
	granted
}

func (l *linker) action(ctx context.Context, a asset.Asset, g granted) (actionAnswer, error) {
	u, err := l.url(ctx, a)
	return actionAnswer{
		AssetID: assetPrefix + a.ID.String(), Status: string(a.State), URL: u, Visibility: visibility,
		WorkspaceID: a.Workspace.String(), FailureMessage: nullable(a.Failure), granted: g,
	}, err
}

// metadata is what AssetRetrieve and AssetListItem have in common.
type metadata struct {
	AssetID           string  `json:"asset_id"`
	Name              *string `json:"name"`
	Description       *string `json:"description"`
	WorkspaceID       string  `json:"workspace_id"`
	URL               string  `json:"url"`
	ContentType       string  `json:"content_type"`
	UploadContentType *string `json:"upload_content_type"`
	SizeBytes         *int64  `json:"size_bytes"`
	UploadedVia       string  `json:"uploaded_via"`
	Status            string  `json:"status"`
	Width             *int    `json:"width"`
	Height            *int    `json:"height"`
	extras
}

// extras are ours, in every answer that shows an asset.
type extras struct {
	FolderID *string   `json:"folder_id"`
	ETag     *string   `json:"etag"` // of the bytes, without quotes
	Checksum *checksum `json:"checksum"`
	Progress *progress `json:"progress"`
}

// checksum is what the bytes give, or shall give before they are here.
type checksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"value"`
}

// progress is how far an upload by parts or an import has come; null for what is not known.
type progress struct {
	ReceivedBytes *int64 `json:"received_bytes"`
	ExpectedBytes *int64 `json:"expected_bytes"`
}

// renderChecksum gives a checksum with its value; nil for none, and for an algorithm alone.
func renderChecksum(c blob.Checksum) *checksum {
	if c.Value == "" {
		return nil
	}
	return &checksum{string(c.Algorithm), c.Value}
}

func renderExtras(a asset.Asset) extras {
	e := extras{ETag: nullable(a.ETag)}
	if a.Folder != (id.Folder{}) {
		e.FolderID = nullable(a.Folder.String())
	}
	e.Checksum = renderChecksum(a.Checksum)
	if a.State == asset.Ready {
		return e
	}
	switch a.Via {
	case asset.ViaURL:
		e.Progress = &progress{&a.Received, nullable(a.Expected)}
	case asset.ViaParts: // the bucket alone knows what it has: see PartsList
		e.Progress = &progress{nil, nullable(a.Expected)}
	}
	return e
}

// retrieveAnswer is AssetRetrieve.
type retrieveAnswer struct {
	metadata
	CreatedAt      string  `json:"created_at"`
	FailureMessage *string `json:"failure_message"`
}

// listItem is AssetListItem.
type listItem struct {
	metadata
	CreatedAt int64   `json:"created_at"` // Unix milliseconds
	ProjectID *string `json:"project_id"`
}

func (l *linker) metadata(ctx context.Context, a asset.Asset) (metadata, error) {
	u, err := l.url(ctx, a)
	return metadata{
		AssetID: assetPrefix + a.ID.String(), Name: nullable(a.Name), Description: nullable(a.Description),
		WorkspaceID: a.Workspace.String(), URL: u, ContentType: contentType(a), UploadContentType: nullable(a.Declared),
		SizeBytes: nullable(a.Size), UploadedVia: string(a.Via), Status: string(a.State),
		Width: nullable(a.Width), Height: nullable(a.Height), extras: renderExtras(a),
	}, err
}

func (l *linker) retrieve(ctx context.Context, a asset.Asset) (retrieveAnswer, error) {
	m, err := l.metadata(ctx, a)
	return retrieveAnswer{metadata: m, CreatedAt: isoTime(a.CreatedAt()), FailureMessage: nullable(a.Failure)}, err
}

func (l *linker) item(ctx context.Context, a asset.Asset) (listItem, error) {
	m, err := l.metadata(ctx, a)
	project := ""
	if a.Project != (id.Project{}) {
		project = a.Project.String()
	}
	return listItem{metadata: m, CreatedAt: a.CreatedAt().UnixMilli(), ProjectID: nullable(project)}, err
}

// contentType is what was found, before that what was declared, before that nothing known.
func contentType(a asset.Asset) string {
	switch {
	case a.Type != "":
		return a.Type
	case a.Declared != "":
		return a.Declared
	}
	return unknownType
}

// nullable is null for the zero value, by which the domain says that something is not known.
func nullable[T comparable](v T) *T {
	if v == *new(T) {
		return nil
	}
	return &v
}

// meta is the tail of every list. A cursor is null at the end.
type meta struct {
	NextCursor *string `json:"next_cursor"`
}
