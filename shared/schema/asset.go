package schema

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/table"
)

// Attributes of assets.
const (
	State       = "state"       // String: pending_upload, ready, failed
	Generation  = "generation"  // Number: attempts at bringing the bytes, from 1
	Description = "description" // String
	Via         = "via"         // String: signed_url, put, direct, multipart, url
	Declared    = "declared"    // String: the content type the client declared
	Type        = "type"        // String: the content type that was found
	Size        = "size"        // Number: bytes
	Width       = "width"       // Number: pixels
	Height      = "height"      // Number: pixels
	ETag        = "etag"        // String: of the object version, without quotes
	Object      = "object"      // String: the object version that holds the bytes
	Folder      = "folder"      // String: id of a library folder
	Project     = "project"     // String: id of the project it was created on
	Failure     = "failure"     // String: why it failed, for people
	Cause       = "cause"       // String: why it failed, for programs: expired, rejected, source, abandoned
	GrantUntil  = "grant_until" // Number: Unix seconds at which the last grant ends
	Upload      = "upload"      // String: id of the bucket's multipart upload
	PartSize    = "part_size"   // Number: bytes of every part but the last
	PartCount   = "part_count"  // Number: how many parts there are, where their sizes are the client's
	Expected    = "expected"    // Number: bytes that were announced, or that the source of an import has
	Received    = "received"    // Number: bytes of an import that are in the bucket
	EditedAt    = "edited_at"   // Number: Unix milliseconds at which name, description or folder last changed; absent: never
	Checksum    = "checksum"    // String: algorithm, a colon, the value in base64; nothing after the colon: it was not said
)

// Orders is an attribute of assets, a String: the ids of the orders that an asset is an input or a deliverable of, with spaces between.
const Orders = "orders"

// LeftOrder is an attribute of assets, a String: id of the order that an asset left last.
const LeftOrder = "left_order"

const assetInfix = "#a#"

// AssetPartition is the partition of a workspace's assets in one shard.
func AssetPartition(w id.Workspace, shard int) string {
	return w.String() + assetInfix + fmt.Sprintf("%02x", shard)
}

// AssetKey is the row of an asset in a shard.
func AssetKey(w id.Workspace, shard int, a id.Asset) table.Key {
	return table.Key{PK: AssetPartition(w, shard), SK: a.String()}
}

// ParseAssetKey reads AssetKey back; ok is false for rows of any other kind, also for a key that AssetKey would spell differently.
func ParseAssetKey(k table.Key) (w id.Workspace, shard int, a id.Asset, ok bool) {
	ws, sh, found := strings.Cut(k.PK, assetInfix)
	if !found {
		return w, 0, a, false
	}
	w, err := id.ParseWorkspace(ws)
	if err != nil {
		return w, 0, a, false
	}
	n, err := strconv.ParseUint(sh, 16, 8)
	if err != nil {
		return w, 0, a, false
	}
	if a, err = id.ParseAsset(k.SK); err != nil {
		return w, 0, a, false
	}
	return w, int(n), a, AssetKey(w, int(n), a) == k
}

// GoneKey is the row that remembers a deleted asset for as long as its grants may still bring bytes.
func GoneKey(a id.Asset) table.Key { return table.Key{PK: "gone#" + a.String(), SK: "gone"} }

// ProjectPrefix begins the sort keys of a workspace's projects.
const ProjectPrefix = "project#"

// ProjectKey is the row of a project.
func ProjectKey(w id.Workspace, p id.Project) table.Key {
	return table.Key{PK: w.String(), SK: ProjectPrefix + id.UUID(p).String()}
}

// ProjectAssetPrefix begins the sort keys of the assets on a project.
const ProjectAssetPrefix = "asset#"

// ProjectAssetKey is the row that puts an asset on a project.
func ProjectAssetKey(p id.Project, a id.Asset) table.Key {
	return table.Key{PK: p.String(), SK: ProjectAssetPrefix + a.String()}
}
