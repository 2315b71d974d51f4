package assets

import (
	"net/http"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/folder"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/idempotency"
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
	URL         *string `json:"url"` // of an image; texts have none
}

// FolderItemsAdd is POST /workspaces/{workspaceId}/library/folders/{folderId}/items: saves a text.
func FolderItemsAdd(s FolderPostServices) http.Handler {
	return post(patternFolderItems, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		workspace, f, err := folderPath(r)
		if err != nil {
			return err
		}
		var body addItemRequest
		if err := web.DecodeJSON(r, &body); err != nil {
			return err
		}
		if err := body.check(); err != nil {
			return err
		}
		thing, _ := given(r.Context())
		item, err := s.Folders().AddAs(r.Context(), p, workspace, folder.Item{
			Node: id.Node(thing), Folder: f, Text: value(body.Text), Description: value(body.Description),
		})
		if err != nil {
			return err
		}
		return web.JSON(w, http.StatusCreated, addItemAnswer{
			FolderID: item.Folder.String(), SavedNodeID: item.Node.String(), WorkspaceID: workspace.String(),
		})
	})
}

// check lets texts pass. An item without a type is a text if it has one, else an image, as in the contract.
func (b addItemRequest) check() error {
	kind := itemImage
	if b.Text != nil {
		kind = itemText
	}
	if b.Type != nil {
		kind = *b.Type
	}
	switch {
	case kind != itemImage && kind != itemText:
		return fault.BadField("type", "is %q; send %q", clip(kind), itemText)
	case b.Source != nil:
		return fault.BadField("source", "import by link is not available on this installation yet; "+
			"upload the image as an asset and name this folder there, or send a text")
	case kind == itemImage:
		return fault.BadField("source", "Required for an image, but import by link is not available on this installation yet; "+
			"upload the image as an asset and name this folder there, or send a text")
	}
	return nil
}
