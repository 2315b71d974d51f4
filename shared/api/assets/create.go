package assets

import (
	"context"
	"mime"
	"net/http"
	"strings"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/idempotency"
	"github.com/assetry/assetry/shared/link"
	"github.com/assetry/assetry/shared/upload"
)

// UploadServices is what the routes need that begin an upload or move it on.
type UploadServices interface {
	Idempotency() *idempotency.Service
	Accounts() *account.Service
	Uploads() *upload.Service
	Links() *link.Service
	PublicURL() string
}

// signedSource is the value of source that asks for a signed form.
const signedSource = "signed-url"

// maxForm is the largest body of a direct upload in bytes: the file, and 64 KiB for the other parts and the headers of all.
const maxForm = upload.MaxDirect + 64<<10

// createRequest is the JSON body of POST /assets.
type createRequest struct {
	Source      string  `json:"source"`
	WorkspaceID string  `json:"workspace_id"`
	ContentType *string `json:"content_type"`
	FileName    *string `json:"file_name"`
	Folder      *string `json:"folder"`
	ProjectID   *string `json:"project_id"`
}

// Create is POST /assets: JSON reserves a signed upload, a form brings the bytes itself.
func Create(s UploadServices) http.Handler {
	return post(patternAssets, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		if t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); t == "multipart/form-data" {
			return createDirect(w, r, s, p)
		}
		return createSigned(w, r, s, p)
	})
}

func createSigned(w http.ResponseWriter, r *http.Request, s UploadServices, p access.Principal) error {
	var body createRequest
	if err := web.DecodeJSON(r, &body); err != nil {
		return createBodyFault(err)
	}
	d, err := body.draft()
	if err != nil {
		return err
	}
	a, g, err := s.Uploads().Begin(r.Context(), p, under(r.Context(), d))
	if err != nil {
		return draftFault(err)
	}
	answer, err := newLinker(r, s).create(r.Context(), a, renderGrant(g))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusCreated, answer)
}

func (c createRequest) draft() (upload.Draft, error) {
	source := field{name: "source", sent: &c.Source, required: true}
	ds := draftFields{workspace: &c.WorkspaceID, project: c.ProjectID, folder: c.Folder, contentType: c.ContentType, fileName: c.FileName}
	if err := checkFields(append(ds.list(), source)...); err != nil {
		return upload.Draft{}, err
	}
	if err := checkSource(c.Source); err != nil {
		return upload.Draft{}, err
	}
	return ds.draft()
}

// createBodyFault names both ways in when the body is of a kind that neither reads.
func createBodyFault(err error) error {
	if fault.Is(err, fault.UnsupportedType) {
		return fault.Wrap(err, fault.UnsupportedType, "This request takes application/json in UTF-8, or multipart/form-data "+
			"with the bytes of a file in the part %q. Set Content-Type to what you send.", fileField)
	}
	return err
}

// checkSource knows one source until links can be imported.
func checkSource(source string) error {
	scheme, _, isAddress := strings.Cut(source, "://")
	switch {
	case source == signedSource:
		return nil
	case isAddress && (strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "http")):
		return fault.BadField("source", "is an address, but import by link is not available on this installation yet; "+
			"send %q and upload the bytes to the form in the answer, or send the file itself as multipart/form-data", signedSource)
	}
	return fault.BadField("source", "is %q; send %q", clip(source), signedSource)
}

// draftFields are what both ways in say about the asset to be.
type draftFields struct{ workspace, project, folder, contentType, fileName *string }

func (f draftFields) list() []field {
	return []field{
		{"workspace_id", f.workspace, true},
		{"folder", f.folder, false},
		{"project_id", f.project, false},
		{"content_type", f.contentType, false},
		{"file_name", f.fileName, false},
	}
}

// draft is for fields that were checked.
func (f draftFields) draft() (upload.Draft, error) {
	w, err := workspaceID(value(f.workspace))
	if err != nil {
		return upload.Draft{}, err
	}
	d := upload.Draft{Workspace: w, Name: value(f.fileName), Declared: value(f.contentType), Folder: value(f.folder)}
	if f.project != nil {
		d.Project, err = projectID(*f.project)
	}
	return d, err
}

// under gives a draft the id that was drawn for its request.
func under(ctx context.Context, d upload.Draft) upload.Draft {
	thing, again := given(ctx)
	d.ID, d.Again = id.Asset(thing), again
	return d
}

// draftFault gives the name of a draft the name it has in this API.
func draftFault(err error) error {
	return rename(err, "name", "file_name")
}

func createDirect(w http.ResponseWriter, r *http.Request, s UploadServices, p access.Principal) error {
	if r.ContentLength > maxForm {
		return tooLarge(upload.MaxDirect)
	}
	boundary, err := boundaryOf(r.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	f, err := readForm(http.MaxBytesReader(nil, r.Body, maxForm), boundary, r.ContentLength, upload.MaxDirect)
	if err != nil {
		return err
	}
	d, err := f.draft()
	if err != nil {
		return err
	}
	a, err := s.Uploads().Direct(r.Context(), p, under(r.Context(), d), f.file)
	if err != nil {
		return draftFault(err)
	}
	answer, err := newLinker(r, s).create(r.Context(), a, granted{})
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusCreated, answer)
}

// draft is what a form says, without its bytes. The part of the file lends its type and name where no field gives them.
func (f form) draft() (upload.Draft, error) {
	sent := func(name string) *string {
		if v, ok := f.text[name]; ok {
			return &v
		}
		return nil
	}
	ds := draftFields{sent("workspace_id"), sent("project_id"), sent("folder"), sent("content_type"), sent("file_name")}
	if err := checkFields(ds.list()...); err != nil {
		return upload.Draft{}, err
	}
	if ds.contentType == nil {
		ds.contentType = &f.fileType
	}
	if ds.fileName == nil {
		name := f.fileName[strings.LastIndexAny(f.fileName, `/\`)+1:] // RFC 7578, 4.2: a path is not part of the name
		ds.fileName = &name
	}
	return ds.draft()
}
