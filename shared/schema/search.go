package schema

import (
	"fmt"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/table"
)

// Attributes of the search index, beside Version, Watermark and Done.
const (
	Words = "words" // String: the words of an asset, folded, with spaces between; absent where they are too long
)

// SearchPartition is one list of the search index: the assets of one shard of a workspace that belong into it.
func SearchPartition(w id.Workspace, shard int, list string) string {
	return w.String() + "#" + fmt.Sprintf("%02x", shard) + "#" + list
}

// SearchKey is the entry of an asset in a list of the search index.
func SearchKey(w id.Workspace, shard int, list string, a id.Asset) table.Key {
	return table.Key{PK: SearchPartition(w, shard, list), SK: a.String()}
}

// ReindexKey is how far one shard of a workspace has been indexed anew.
func ReindexKey(w id.Workspace, shard int) table.Key {
	return table.Key{PK: w.String() + "#reindex", SK: fmt.Sprintf("%02x", shard)}
}

// IndexedKey says that all assets which a workspace had at some time have been indexed.
func IndexedKey(w id.Workspace) table.Key { return table.Key{PK: w.String() + "#reindex", SK: "built"} }
