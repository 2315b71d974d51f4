package assets

import (
	"net/http"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/folder"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/idempotency"
	"github.com/assetry/assetry/shared/upload"
)

// FolderServices is what the routes of library folders need.
type FolderServices interface {
	Accounts() *account.Service
	Folders() *folder.Service
}

// FolderPostServices is what the routes need that make a folder or fill one.
type FolderPostServices interface {
	FolderServices
	Idempotency() *idempotency.Service
}

type createFolderRequest struct {
	Name *string `json:"name"`
}

type folderAnswer struct {
	FolderID    string `json:"folder_id"`
	Name        string `json:"name"`
	WorkspaceID string `json:"workspace_id"`
}

// FoldersCreate is POST /workspaces/{workspaceId}/library/folders. Without a body or a name the folder gets a free one.
func FoldersCreate(s FolderPostServices) http.Handler {
	return post(patternFolders, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		workspace, err := workspaceID(web.PathValue(r, paramWorkspace))
		if err != nil {
			return err
		}
		body := &createFolderRequest{}
		if err := optionalBody(r, &body); err != nil {
			return err
		}
		var title *string
		if body != nil {
			title = body.Name
		}
		if err := checkFields(field{name: "name", sent: title}); err != nil {
			return err
		}
		thing, _ := given(r.Context())
		f, err := s.Folders().CreateAs(r.Context(), p, folder.Folder{ID: id.Folder(thing), Workspace: workspace, Name: value(title)})
		if err != nil {
			return err
		}
		return web.JSON(w, http.StatusCreated, folderAnswer{f.ID.String(), f.Name, f.Workspace.String()})
	})
}

type deleteFolderAnswer struct {
	Deleted     bool   `json:"deleted"`
	FolderID    string `json:"folder_id"`
	WorkspaceID string `json:"workspace_id"`
}

// FoldersDelete is DELETE /workspaces/{workspaceId}/library/folders/{folderId}. Assets that were in it stay. Items are deleted with it where
// the query says delete_items=true; else they keep it.
func FoldersDelete(s FolderServices) http.Handler {
	return route(http.MethodDelete, patternFolder, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		workspace, f, err := folderPath(r)
		if err != nil {
			return err
		}
		q, err := readQuery(r)
		if err != nil {
			return err
		}
		withItems := q.flag("delete_items")
		if err := q.err(); err != nil {
			return err
		}
		if err := s.Folders().Delete(r.Context(), p, workspace, f, withItems); err != nil {
			return err
		}
		return web.JSON(w, http.StatusOK, deleteFolderAnswer{true, f.String(), workspace.String()})
	})
}

func folderPath(r *http.Request) (id.Workspace, id.Folder, error) {
	w, err := workspaceID(web.PathValue(r, paramWorkspace))
	if err != nil {
		return w, id.Folder{}, err
	}
	f, err := folderID(web.PathValue(r, paramFolder))
	return w, f, err
}

// Types of a folder's items, as the contract spells them.
const (
	itemImage = "image"
	itemText  = "text"
)

type addItemRequest struct {
	Description *string `json:"description"`
	Source      *string `json:"source"`
	Text        *string `json:"text"`
	Type        *string `json:"type"`
}

type addItemAnswer struct {
	FolderID    string  `json:"folder_id"`
	SavedNodeID string  `json:"saved_node_id"`
	WorkspaceID string  `json:"workspace_id"`
	AssetID     string  `json:"asset_id,omitempty"` // of an image
	URL         *string `json:"url"`                // of an image; texts have none
}

// FolderItemServices is what FolderItemsAdd needs.
type FolderItemServices interface {
	UploadServices
	Folders() *folder.Service
	Assets() *asset.Service
}

// FolderItemsAdd is POST /workspaces/{workspaceId}/library/folders/{folderId}/items: saves a text, or an image that is copied from an address.
func FolderItemsAdd(s FolderItemServices) http.Handler {
	return post(patternFolderItems, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		workspace, f, err := folderPath(r)
		if err != nil {
			return err
		}
		var body addItemRequest
		if err := web.DecodeJSON(r, &body); err != nil {
			return err
		}
		kind, err := body.kind()
		if err != nil {
			return err
		}
		thing, _ := given(r.Context())
		draft := folder.Item{Node: id.Node(thing), Folder: f, Text: value(body.Text), Description: value(body.Description)}
		answer := addItemAnswer{FolderID: f.String(), WorkspaceID: workspace.String()}
		if kind == itemText {
			draft, err = s.Folders().AddAs(r.Context(), p, workspace, draft)
		} else {
			draft, err = addImage(r, s, p, workspace, draft, *body.Source, &answer)
		}
		if err != nil {
			return err
		}
		answer.SavedNodeID = draft.Node.String()
		return web.JSON(w, http.StatusCreated, answer)
	})
}

// addImage begins the copy of an image and puts it into the folder, which has to be there before. A run under the same idempotency key that was
// cut off in between is gone on with; a folder that is deleted in between takes the copy with it.
func addImage(
	r *http.Request, s FolderItemServices, p access.Principal, w id.Workspace, draft folder.Item, source string, answer *addItemAnswer,
) (folder.Item, error) {
	ctx := r.Context()
	if err := s.Folders().CheckAsset(ctx, p, w, draft); err != nil {
		return draft, err
	}
	d := under(ctx, upload.Draft{Workspace: w, Folder: draft.Folder.String()})
	a, err := s.Uploads().BeginImport(ctx, p, d, source, 0)
	if err != nil && !(d.Again && fault.Is(err, fault.Duplicate) && a.ID == d.ID) {
		return draft, err
	}
	draft, err = s.Folders().AddAssetAs(ctx, p, w, a, draft)
	if fault.Is(err, fault.NotFound) {
		if gone := s.Assets().Delete(ctx, p, a.ID); gone != nil {
			return draft, gone
		}
	}
	if err != nil {
		return draft, err
	}
	link, err := newLinker(r, s).url(ctx, a)
	answer.AssetID, answer.URL = assetPrefix+a.ID.String(), &link
	return draft, err
}

// kind is what a checked item is. Without a type it is a text if it has one, else an image, as in the contract.
func (b addItemRequest) kind() (string, error) {
	kind := itemImage
	if b.Text != nil {
		kind = itemText
	}
	if b.Type != nil {
		kind = *b.Type
	}
	switch {
	case kind != itemImage && kind != itemText:
		return kind, fault.BadField("type", "is %q; send %q or %q", clip(kind), itemText, itemImage)
	case kind == itemText && b.Source != nil:
		return kind, fault.BadField("source", "goes with the type %q; leave it out for a text", itemImage)
	case kind == itemImage && b.Text != nil:
		return kind, fault.BadField("text", "goes with the type %q; leave it out for an image", itemText)
	case kind == itemImage && value(b.Source) == "":
		return kind, fault.BadField("source", "Required for an image: the https address to copy it from")
	}
	return kind, nil
}
