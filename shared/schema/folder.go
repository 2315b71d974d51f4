package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/table"
)

// Attributes of folders and of nodes on projects and folders.
const (
	NodeID    = "node"      // String: id of a node
	OnAsset   = "asset"     // String: asset of a node; partition key of IndexOnAsset
	OnProject = "on"        // String: project or folder of a node; sort key of IndexOnAsset
	NodeType  = "node_type" // String: image, video, audio, text
	Text      = "text"      // String: text of a folder item
	FolderID  = "folder_id" // String: id, in the row that finds a folder by name
)

// FolderPrefix begins the sort keys of a workspace's folders.
const FolderPrefix = "folder#"

// FolderItemsPrefix begins the sort keys of the items of all folders of a workspace.
const FolderItemsPrefix = "folderitem#"

// ParseFolderItem reads the folder from the sort key of one of its items; ok is false for rows of any other kind.
func ParseFolderItem(sk string) (f id.Folder, ok bool) {
	rest, found := strings.CutPrefix(sk, FolderItemsPrefix)
	if !found {
		return f, false
	}
	text, _, _ := strings.Cut(rest, "#")
	u, err := id.Parse(text)
	return id.Folder(u), err == nil
}

// FolderKey is the row of a folder.
func FolderKey(w id.Workspace, f id.Folder) table.Key {
	return table.Key{PK: w.String(), SK: FolderPrefix + id.UUID(f).String()}
}

// FolderNameKey is the row that holds a folder name, already folded for comparison, once per workspace.
func FolderNameKey(w id.Workspace, folded string) table.Key {
	sum := sha256.Sum256([]byte(folded))
	return table.Key{PK: w.String(), SK: "foldername#" + hex.EncodeToString(sum[:])}
}

// FolderItemPrefix begins the sort keys of a folder's items.
func FolderItemPrefix(f id.Folder) string { return FolderItemsPrefix + id.UUID(f).String() + "#" }

// FolderItemKey is the row of an item in a folder.
func FolderItemKey(w id.Workspace, f id.Folder, n id.Node) table.Key {
	return table.Key{PK: w.String(), SK: FolderItemPrefix(f) + id.UUID(n).String()}
}

// FolderAssetKey is the row of an asset in a folder: one, however often it is put there.
func FolderAssetKey(w id.Workspace, f id.Folder, a id.Asset) table.Key {
	return table.Key{PK: w.String(), SK: FolderItemPrefix(f) + a.String()}
}
