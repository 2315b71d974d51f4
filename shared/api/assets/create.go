package assets

import (
	"context"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/blob"
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

// maxForm is the largest body of a direct upload in bytes: the file, and 64 KiB for the other parts and the headers of all.
const maxForm = upload.MaxDirect + 64<<10

// createRequest is the JSON body of POST /assets.
type createRequest struct {
	Source            string           `json:"source"`
	WorkspaceID       string           `json:"workspace_id"`
	ContentType       *string          `json:"content_type"`
	FileName          *string          `json:"file_name"`
	Folder            *string          `json:"folder"`
	ProjectID         *string          `json:"project_id"`
	SizeBytes         *int64           `json:"size_bytes"`
	PartSize          *int64           `json:"part_size"`
	ChecksumAlgorithm *string          `json:"checksum_algorithm"`
	Checksum          *checksumRequest `json:"checksum"`
}

// Create is POST /assets: JSON says where the bytes come from, a form brings the bytes itself.
func Create(s UploadServices) http.Handler {
	return post(patternAssets, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		if t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); t == "multipart/form-data" {
			return createDirect(w, r, s, p)
		}
		return createFrom(w, r, s, p)
	})
}

// createFrom announces an asset whose bytes come by the way that source names.
func createFrom(w http.ResponseWriter, r *http.Request, s UploadServices, p access.Principal) error {
	var body createRequest
	if err := web.DecodeJSON(r, &body); err != nil {
		return createBodyFault(err)
	}
	d, err := body.draft()
	if err != nil {
		return err
	}
	a, g, err := body.begin(r.Context(), s, p, under(r.Context(), d))
	if err != nil {
		return body.fault(err)
	}
	answer, err := newLinker(r, s).create(r.Context(), a, g)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusCreated, answer)
}

func (c createRequest) draft() (upload.Draft, error) {
	own := []field{{"source", &c.Source, true}, {"checksum_algorithm", c.ChecksumAlgorithm, false}}
	ds := draftFields{workspace: &c.WorkspaceID, project: c.ProjectID, folder: c.Folder, contentType: c.ContentType, fileName: c.FileName}
	bad := fault.FieldsOf(checkFields(slices.Concat(ds.list(), own, c.Checksum.fields())...))
	if err := fault.BadFields(append(bad, c.checkSource()...)); err != nil {
		return upload.Draft{}, err
	}
	d, err := ds.draft()
	d.Checksum = c.checksum()
	return d, err
}

// createBodyFault names both ways in when the body is of a kind that neither reads.
func createBodyFault(err error) error {
	if fault.Is(err, fault.UnsupportedType) {
		return fault.Wrap(err, fault.UnsupportedType, "This request takes application/json in UTF-8, or multipart/form-data "+
			"with the bytes of a file in the part %q. Set Content-Type to what you send.", fileField)
	}
	return err
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

// under gives a draft the id that was drawn for its request, and tells the log whose it is.
func under(ctx context.Context, d upload.Draft) upload.Draft {
	thing, again := given(ctx)
	d.ID, d.Again = id.Asset(thing), again
	web.SetWorkspace(ctx, d.Workspace)
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
		return f.fault(err)
	}
	answer, err := newLinker(r, s).create(r.Context(), a, granted{})
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusCreated, answer)
}

// draft is what a form says, without its bytes. The part of the file lends its type and name where no field gives them.
func (f form) draft() (upload.Draft, error) {
	ds := draftFields{f.sent("workspace_id"), f.sent("project_id"), f.sent("folder"), f.sent("content_type"), f.sent("file_name")}
	algorithm, sum := f.sent("checksum_algorithm"), f.sent("checksum_value")
	checked := append(ds.list(), field{"checksum_algorithm", algorithm, sum != nil}, field{"checksum_value", sum, algorithm != nil})
	if err := checkFields(checked...); err != nil {
		return upload.Draft{}, err
	}
	if ds.contentType == nil {
		ds.contentType = &f.fileType
	}
	if ds.fileName == nil {
		name := f.fileName[strings.LastIndexAny(f.fileName, `/\`)+1:] // RFC 7578, 4.2: a path is not part of the name
		ds.fileName = &name
	}
	d, err := ds.draft()
	d.Checksum = blob.Checksum{Algorithm: blob.Algorithm(value(algorithm)), Value: value(sum)}
	return d, err
}

// sent is a text field; nil when it was not sent.
func (f form) sent(name string) *string {
	if v, ok := f.text[name]; ok {
		return &v
	}
	return nil
}

// fault gives a field of the domain the name that a form sends it under.
func (f form) fault(err error) error {
	if blob.Algorithm(f.text["checksum_algorithm"]).Valid() {
		return draftFault(rename(err, "checksum", "checksum_value"))
	}
	return draftFault(rename(err, "checksum", "checksum_algorithm"))
}
