// Package schema spells every key, index and attribute of the table, and every object key of the bucket. Nothing else does.
//
//	what                partition key                 sort key                       written by
//	workspace           ws_<uuid>                     workspace                      account
//	known workspaces    workspaces                    ws_<uuid>                      account
//	project             ws_<uuid>                     project#<uuid>                 project
//	folder              ws_<uuid>                     folder#<uuid>                  folder
//	folder by name      ws_<uuid>                     foldername#<sha-256>           folder
//	folder's text       ws_<uuid>                     folderitem#<folder>#<node>     folder
//	asset in a folder   ws_<uuid>                     folderitem#<folder>#<asset>    folder; also by asset in IndexOnAsset
//	sweep watermark     ws_<uuid>                     sweep#<shard>                  upload
//	asset               ws_<uuid>#a#<shard>           <asset uuid>                   upload, asset
//	asset on a project  prj_<uuid>                    asset#<asset uuid>             project, upload; also by asset in IndexOnAsset
//	deleted asset       gone#<asset uuid>             gone                           asset; expires
//	import by address   import#<asset uuid>           import                         upload; expires
//	bytes of a day      ws_<uuid>                     imported#<date>                upload; expires
//	API key             key#<sha-256>                 key                            account
//	client              client#<uuid>                 client                         account
//	listed client       ws_<uuid>                     client#<uuid>                  account
//	access token        token#<sha-256>               token                          account; expires
//	requests of an hour rate#<key>#<hour>             rate                           ratelimit; expires
//	request's key       once#<sha-256>                once                           idempotency; expires
//	active workspaces   active#<hour>#<0-f>           ws_<uuid>                      upload; expires
//	due visits          due#<hour>#<0-f>              <workspace>#<asset>            upload; expires
//	sweep progress      sweep                         hours                          upload
//	webhook             ws_<uuid>                     webhook#<uuid>                 webhook
//	number of webhooks  ws_<uuid>                     webhooks                       webhook
//	webhook of a client ws_<uuid>                     orderhook#<client>             webhook
//	delivery            wh_<uuid>                     delivery#<uuid>                webhook; expires
//	last version sent   sent#<webhook>#<asset, order> sent                           webhook; expires
//	due delivery        webhook-due#<0-f>             <time>#<delivery>#<n>          webhook
//	order               ws_<uuid>#o                   <order uuid>                   order; also by status in IndexByStatus
//	input of an order   order#<order uuid>            input#<asset uuid>             order
//	deliverable         order#<order uuid>            out#<attempt>#<asset uuid>     order
//	open orders, inputs ws_<uuid>                     orders                         order
//	due order           order-due#<0-f>               <time>#<ws>#<order>            order
//	work on an order    work#<order uuid>             work                           order, processing
//	asset being made    order#<order uuid>            making#<attempt>#<asset uuid>  processing
//	place for work      ws_<uuid>                     slot#<n>                       processing
//	work that waits     ws_<uuid>#wait                <order uuid>                   processing
//
// The search index has a table of its own, with neither indexes nor stream:
//
//	entry               ws_<uuid>#<shard>#<list>      <asset uuid>                   search
//	progress            ws_<uuid>#reindex             <shard>, built                 search
//
// Objects: w/<workspace>/<byte>/<asset>/<generation>/source, where <byte> is two hex digits of the asset id's random bits, so
// that keys spread over S3's partitions; <generation> is a number, with an r behind it where what was announced of the bytes stands in the
// row alone. The bucket notifies for prefix w/ and suffix /source only.
//
// What is kept between two workers of an order: checkpoints/<workspace>/<order>/<attempt>/checkpoint. The bucket's own rule takes what was left there.
package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/table"
)

// Attributes shared by all kinds of items. Package table spells the keys and "expires".
const (
	Version   = "version"    // Number: counts the writes of the item, from 1
	Name      = "name"       // String: what people call it
	CreatedBy = "created_by" // String: id of the API key that made it
	Workspace = "workspace"  // String: id of a workspace, where the key does not say it
	CreatedAt = "created_at" // Number: Unix milliseconds, where the id does not say it
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

// Attributes of workspaces and keys.
const (
	LinkEpoch = "link_epoch" // Number: links minted under an earlier epoch are dead
	Shards    = "shards"     // List of Maps: from which time on how many asset partitions
	ShardFrom = "from"       // Number: Unix milliseconds
	ShardN    = "count"      // Number: a power of two
	Grants    = "grants"     // Map: workspace id to role
	Revoked   = "revoked"    // Bool
	KeyID     = "key_id"     // String: public id of a key; sort key of IndexKeys
	Home      = "home"       // String: workspace a key was issued in; partition key of IndexKeys
)

// Attributes of clients, tokens and counted requests, beside Name, Workspace, Version and OrderClient.
const (
	Scopes     = "scopes"      // List of Strings: read, write
	Tier       = "tier"        // String: standard, premium
	Secrets    = "secrets"     // List of Maps: the live secrets of a client, oldest first
	SecretNo   = "secret"      // Number: which of a client's secrets, from 1; none is used twice
	SecretSum  = "sum"         // Bytes: SHA-256 of a secret
	SecretFrom = "from"        // Number: Unix milliseconds at which a secret was made
	NextSecret = "next_secret" // Number: of the next secret of a client
	Leased     = "leased"      // Number: requests of an hour that were given out to processes
)

// Attributes of folders, nodes and sweeping.
const (
	NodeID    = "node"      // String: id of a node
	OnAsset   = "asset"     // String: asset of a node; partition key of IndexOnAsset
	OnProject = "on"        // String: project or folder of a node; sort key of IndexOnAsset
	NodeType  = "node_type" // String: image, video, audio, text
	Text      = "text"      // String: text of a folder item
	FolderID  = "folder_id" // String: id, in the row that finds a folder by name
	Watermark = "watermark" // String: asset ids below it have been visited
	Hour      = "hour"      // String: hours before it are done
)

// Attributes of webhooks and deliveries.
const (
	URL         = "url"          // String: where events are sent
	Events      = "events"       // List of Strings: types of events that are wanted; absent: all
	Enabled     = "enabled"      // Bool
	Epoch       = "epoch"        // Number: which of its secrets is the present one, from 1
	Rotated     = "rotated"      // List of Numbers: Unix milliseconds at which former secrets were replaced, oldest first
	Failures    = "failures"     // Number: deliveries given up since the last that was taken
	DisabledAt  = "disabled_at"  // Number: Unix milliseconds
	Reason      = "reason"       // String: why it is disabled
	Count       = "count"        // Number: webhooks of the workspace
	Hook        = "hook"         // String: id of a webhook, where the key does not say it
	DeliveryID  = "delivery"     // String: id of a delivery, where the key does not say it
	Event       = "event"        // String: id of the event
	EventType   = "type"         // String: such as asset.ready
	Progress    = "progress"     // String: pending, delivered, superseded, dead; not "state", by which the stream's filters know assets
	Body        = "body"         // String: JSON as it is sent
	Attempts    = "attempts"     // Number: begun since the delivery was made or last replayed
	Claims      = "claims"       // Number: raised whenever somebody takes the delivery in hand; fences whoever had it before
	Lease       = "lease"        // Number: Unix milliseconds until which somebody has it in hand
	Due         = "due"          // Number: Unix milliseconds of its due row
	DueSeq      = "due_seq"      // Number: n of its due row
	AttemptedAt = "attempted_at" // Number: Unix milliseconds of the last attempt
	Status      = "status"       // Number: HTTP status of the last answer
	Took        = "took"         // Number: milliseconds of the last attempt
	Holder      = "holder"       // String: who is sending to this webhook about this asset or order
	// AssetVersion is the version of the asset or order that an event tells of, a Number.
	AssetVersion = "asset_version"
)

// Attributes of imports by address, beside Workspace, Generation, Upload and PartSize. Version counts the runs that were asked for: each asks
// a worker to begin or to go on.
const (
	Address        = "source"          // String: the address that is copied from, with its query: nowhere else is it kept
	MaxSize        = "max_size"        // Number: bytes that are taken at most
	Attempt        = "attempt"         // Number: how often the import was begun, from 1; retries count
	Hop            = "hop"             // Number: how often a worker of this attempt handed over to the next
	Kicks          = "kicks"           // Number: how often the sweeper woke it since a worker last handed over
	Worker         = "worker"          // String: token of the worker that is at it
	LeaseUntil     = "lease_until"     // Number: Unix milliseconds from which on another worker may take it
	Verified       = "verified"        // Number: the last attempt in which the source was seen to be the one described here
	SourceETag     = "source_etag"     // String: as the source sent it
	SourceModified = "source_modified" // String: as the source sent it
	SourceSize     = "source_size"     // Number: bytes
	Reserved       = "reserved"        // Number: bytes that this attempt has counted among those of a day
	Imported       = "imported"        // Number: bytes that a workspace has imported on a day
)

// Orders is an attribute of assets, a String: the ids of the orders that an asset is an input or a deliverable of, with spaces between.
const Orders = "orders"

// LeftOrder is an attribute of assets, a String: id of the order that an asset left last.
const LeftOrder = "left_order"

// Attributes of orders, their inputs, deliverables and work, beside Name, Version, Attempt, Failure, Holder and those of imports for the work.
const (
	OrderStatus = "order_status"    // String: DRAFT, INITIALIZED, ...; not "state", by which the stream's filters know assets
	ListedIn    = "listed_in"       // String: workspace and status; partition key of IndexByStatus
	OnOrder     = "order"           // String: id of an order, where an index needs it; sort key of IndexByStatus
	OrderClient = "client"          // String: id of the client that created it
	Product     = "product"         // String
	Area        = "area"            // Number: square feet, as estimated by the client
	PostAddress = "address"         // String: where what was scanned stands
	Units       = "units"           // String: METRIC, IMPERIAL
	Metadata    = "metadata"        // String: JSON of the client's own
	Inputs      = "inputs"          // Number: of an order
	Problems    = "problems"        // List of Maps: what is wrong with it, by path and message
	SubmittedAt = "submitted_at"    // Number: Unix milliseconds of the last submission
	ChangedAt   = "changed_at"      // Number: Unix milliseconds at which details or inputs last changed
	Format      = "format"          // String: of an input, and of an asset that must have it: e57 or xyz
	HeldGen     = "held_generation" // Number: generation of an input when its order was submitted
	HeldObject  = "held_object"     // String: object version of an input when its order was submitted; absent: it was still on its way
	Open        = "open"            // Bool: an input counts among the open uploads of its workspace
	OpenOrders  = "open_orders"     // Number: of a workspace
	OpenUploads = "open_uploads"    // Number: of a workspace
	Percent     = "percent"         // Number: how much of the work is done, 0 to 100
)

// Attributes of the work on an order, beside Workspace, Attempt, Hop, Worker and LeaseUntil. Version counts the runs that were asked for.
const (
	AskAfter   = "ask_after"  // Number: Unix milliseconds before which nobody needs to ask for a worker again
	Tries      = "tries"      // Number: how often a worker began where the work stands now
	LastStep   = "step"       // String: name of the last step that is done; absent: none is
	Planned    = "planned"    // Number: deliverables of the steps that are done
	Made       = "made"       // Number: deliverables that are registered
	Checkpoint = "checkpoint" // String: object version of what the present step left to go on from
	EndedAt    = "ended_at"   // Number: Unix milliseconds at which the attempt ended
	Waits      = "waits"      // Bool: it waits for a place
)

// Attributes of requests' keys, beside Lease.
const (
	Sum   = "sum"   // String: SHA-256 of the request in hex
	Thing = "thing" // String: UUID for what the request makes
	Token = "token" // String: of the run that holds the lease
	Done  = "done"  // Bool: it succeeded
)

// Attributes of the search index, beside Version, Watermark and Done.
const (
	Words = "words" // String: the words of an asset, folded, with spaces between; absent where they are too long
)

// IndexOnAsset finds the projects and folders an asset was put on: asset id, then project or folder id.
const IndexOnAsset = "projects-by-asset"

// IndexKeys finds the API keys of a workspace: home, then key id.
const IndexKeys = "keys-by-home"

// IndexByStatus finds the orders of a workspace in one status: workspace and status, then order id.
const IndexByStatus = "orders-by-status"

// Indexes are the secondary indexes of the table, as template.yaml declares them.
func Indexes() []table.Index {
	return []table.Index{
		{Name: IndexKeys, PK: Home, SK: KeyID},
		{Name: IndexOnAsset, PK: OnAsset, SK: OnProject},
		{Name: IndexByStatus, PK: ListedIn, SK: OnOrder},
	}
}

// WorkspaceKey is the row of a workspace.
func WorkspaceKey(w id.Workspace) table.Key { return table.Key{PK: w.String(), SK: "workspace"} }

// KnownPartition lists all workspaces, in order of their ids.
const KnownPartition = "workspaces"

// KnownKey is the row that lists a workspace among all.
func KnownKey(w id.Workspace) table.Key { return table.Key{PK: KnownPartition, SK: w.String()} }

// ProjectPrefix begins the sort keys of a workspace's projects.
const ProjectPrefix = "project#"

// ProjectKey is the row of a project.
func ProjectKey(w id.Workspace, p id.Project) table.Key {
	return table.Key{PK: w.String(), SK: ProjectPrefix + id.UUID(p).String()}
}

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

// AfterPrefix is the first sort key after all that begin with prefix, for Query.To. The prefix ends in an ASCII character.
func AfterPrefix(prefix string) string {
	return prefix[:len(prefix)-1] + string(prefix[len(prefix)-1]+1)
}

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

// ProjectAssetPrefix begins the sort keys of the assets on a project.
const ProjectAssetPrefix = "asset#"

// ProjectAssetKey is the row that puts an asset on a project.
func ProjectAssetKey(p id.Project, a id.Asset) table.Key {
	return table.Key{PK: p.String(), SK: ProjectAssetPrefix + a.String()}
}

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

// GoneKey is the row that remembers a deleted asset for as long as its grants may still bring bytes.
func GoneKey(a id.Asset) table.Key { return table.Key{PK: "gone#" + a.String(), SK: "gone"} }

const (
	importPrefix = "import#"
	importSK     = "import"
)

// ImportKey is the row of an asset's import by address.
func ImportKey(a id.Asset) table.Key { return table.Key{PK: importPrefix + a.String(), SK: importSK} }

// ParseImportKey reads ImportKey back; ok is false for rows of any other kind, also for a key that ImportKey would spell differently.
func ParseImportKey(k table.Key) (a id.Asset, ok bool) {
	text, found := strings.CutPrefix(k.PK, importPrefix)
	if !found {
		return a, false
	}
	a, err := id.ParseAsset(text)
	return a, err == nil && ImportKey(a) == k
}

// ImportedKey is the row that counts the bytes a workspace imports on a day, in UTC.
func ImportedKey(w id.Workspace, day time.Time) table.Key {
	return table.Key{PK: w.String(), SK: "imported#" + day.UTC().Format(time.DateOnly)}
}

// APIKeyKey is the row of an API key, by the SHA-256 of its secret.
func APIKeyKey(sum [sha256.Size]byte) table.Key {
	return table.Key{PK: "key#" + hex.EncodeToString(sum[:]), SK: "key"}
}

// ClientKey is the row of a client.
func ClientKey(c id.Client) table.Key {
	return table.Key{PK: ClientPrefix + id.UUID(c).String(), SK: "client"}
}

// ClientPrefix begins the sort keys of the entries that list a workspace's clients.
const ClientPrefix = "client#"

// ListedClientKey is the entry that lists a client in its workspace.
func ListedClientKey(w id.Workspace, c id.Client) table.Key {
	return table.Key{PK: w.String(), SK: ClientPrefix + id.UUID(c).String()}
}

// ParseListedClient reads the sort key of ListedClientKey back. The error is id.ErrSyntax.
func ParseListedClient(sk string) (id.Client, error) {
	u, err := id.Parse(strings.TrimPrefix(sk, ClientPrefix))
	return id.Client(u), err
}

// TokenKey is the row of an access token, by the SHA-256 of it.
func TokenKey(sum [sha256.Size]byte) table.Key {
	return table.Key{PK: "token#" + hex.EncodeToString(sum[:]), SK: "token"}
}

// RateKey is the row that counts what was asked for under a key in an hour.
func RateKey(key string, hour time.Time) table.Key {
	return table.Key{PK: "rate#" + key + "#" + hour.UTC().Format(HourFormat), SK: "rate"}
}

// IdempotencyKey is the row of an idempotency key, by the SHA-256 of the API key that sent it and the key itself.
func IdempotencyKey(sum [sha256.Size]byte) table.Key {
	return table.Key{PK: "once#" + hex.EncodeToString(sum[:]), SK: "once"}
}

// SweepShards is over how many partitions the markers of one hour are spread.
const SweepShards = 16

// HourFormat is how an hour is spelled in keys, in UTC.
const HourFormat = "2006-01-02T15"

// ActivePartition lists the workspaces of one shard that began an upload in an hour.
func ActivePartition(hour time.Time, shard int) string {
	return "active#" + hour.UTC().Format(HourFormat) + "#" + strconv.FormatInt(int64(shard), 16)
}

// ActiveKey is the marker of one workspace in an hour.
func ActiveKey(hour time.Time, w id.Workspace) table.Key {
	return table.Key{PK: ActivePartition(hour, int(w.Tag()%SweepShards)), SK: w.String()}
}

// DuePartition lists the assets of one shard to visit once an hour has passed.
func DuePartition(hour time.Time, shard int) string {
	return "due#" + hour.UTC().Format(HourFormat) + "#" + strconv.FormatInt(int64(shard), 16)
}

// DueKey is the marker of one asset to visit once an hour has passed.
func DueKey(hour time.Time, w id.Workspace, a id.Asset) table.Key {
	return table.Key{PK: DuePartition(hour, int(a.Spread()%SweepShards)), SK: w.String() + "#" + a.String()}
}

// ParseDue reads the sort key of a due marker back.
func ParseDue(sk string) (w id.Workspace, a id.Asset, err error) {
	ws, as, _ := strings.Cut(sk, "#")
	if w, err = id.ParseWorkspace(ws); err != nil {
		return w, a, err
	}
	a, err = id.ParseAsset(as)
	return w, a, err
}

// WebhookPrefix begins the sort keys of a workspace's webhooks.
const WebhookPrefix = "webhook#"

// WebhookKey is the row of a webhook.
func WebhookKey(w id.Workspace, h id.Webhook) table.Key {
	return table.Key{PK: w.String(), SK: WebhookPrefix + id.UUID(h).String()}
}

// ParseWebhookKey reads WebhookKey back; ok is false for rows of any other kind.
func ParseWebhookKey(k table.Key) (w id.Workspace, h id.Webhook, ok bool) {
	rest, is := strings.CutPrefix(k.SK, WebhookPrefix)
	if !is {
		return w, h, false
	}
	w, err := id.ParseWorkspace(k.PK)
	if err != nil {
		return w, h, false
	}
	u, err := id.Parse(rest)
	return w, id.Webhook(u), err == nil
}

// ClientWebhookPrefix begins the sort keys of the webhooks of a workspace's clients.
const ClientWebhookPrefix = "orderhook#"

// ClientWebhookKey is the row of the one webhook of a client.
func ClientWebhookKey(w id.Workspace, c id.Client) table.Key {
	return table.Key{PK: w.String(), SK: ClientWebhookPrefix + c.String()}
}

// ParseClientWebhookKey reads ClientWebhookKey back; ok is false for rows of any other kind.
func ParseClientWebhookKey(k table.Key) (w id.Workspace, c id.Client, ok bool) {
	rest, is := strings.CutPrefix(k.SK, ClientWebhookPrefix)
	if !is {
		return w, c, false
	}
	w, err := id.ParseWorkspace(k.PK)
	if err != nil {
		return w, c, false
	}
	c, err = id.ParseClient(rest)
	return w, c, err == nil
}

// WebhookCountKey is the row that counts a workspace's webhooks.
func WebhookCountKey(w id.Workspace) table.Key { return table.Key{PK: w.String(), SK: "webhooks"} }

// DeliveryPrefix begins the sort keys of a webhook's deliveries.
const DeliveryPrefix = "delivery#"

// DeliveryKey is the row of a delivery.
func DeliveryKey(h id.Webhook, d id.Delivery) table.Key {
	return table.Key{PK: h.String(), SK: DeliveryPrefix + d.String()}
}

// SentKey is the last version of an asset or order, given by its bare UUID, that was sent to a webhook.
func SentKey(h id.Webhook, subject string) table.Key {
	return table.Key{PK: "sent#" + h.String() + "#" + subject, SK: "sent"}
}

// WebhookDueShards is over how many partitions the deliveries that wait are spread.
const WebhookDueShards = 16

// dueFormat is how the time of a due delivery is spelled, in UTC, so that keys sort by time.
const dueFormat = "2006-01-02T15:04:05.000Z"

// WebhookDuePartition lists the deliveries of one shard that wait, by time.
func WebhookDuePartition(shard int) string {
	return "webhook-due#" + strconv.FormatInt(int64(shard), 16)
}

// WebhookDueKey is the row that leads to a delivery at a time; seq tells apart the rows that one delivery has in its life.
func WebhookDueKey(at time.Time, d id.Delivery, seq int64) table.Key {
	return table.Key{
		PK: WebhookDuePartition(int(d.Spread() % WebhookDueShards)),
		SK: WebhookDueTime(at) + "#" + d.String() + "#" + strconv.FormatInt(seq, 10),
	}
}

// WebhookDueTime begins the sort keys of the deliveries due at a time, to the millisecond.
func WebhookDueTime(at time.Time) string { return at.UTC().Format(dueFormat) }

// SweepKey is how far the sweeper has come through the hours.
func SweepKey() table.Key { return table.Key{PK: "sweep", SK: "hours"} }

// WatermarkKey is how far the sweeper has come through one shard of a workspace.
func WatermarkKey(w id.Workspace, shard int) table.Key {
	return table.Key{PK: w.String(), SK: fmt.Sprintf("sweep#%02x", shard)}
}

// Source names the bytes of one attempt at an asset.
type Source struct {
	Workspace  id.Workspace
	Asset      id.Asset
	Generation int
	// InRow says that what was announced of the bytes is to be read in the row: the object says nothing that can be trusted, or not enough.
	InRow bool
}

// inRow ends the generation in the key of a source whose facts are in the row.
const inRow = "r"

// ObjectPrefix begins the keys of all objects of an asset.
func ObjectPrefix(w id.Workspace, a id.Asset) string {
	return SpreadPrefix(w, a.Spread()) + a.String() + "/"
}

// WorkspacePrefix begins the keys of all objects of a workspace.
func WorkspacePrefix(w id.Workspace) string { return "w/" + w.String() + "/" }

// SpreadPrefix begins the keys of all objects of a workspace's assets whose ids have one byte of random bits.
func SpreadPrefix(w id.Workspace, spread byte) string {
	return WorkspacePrefix(w) + fmt.Sprintf("%02x/", spread)
}

// Key is the object key of the source.
func (s Source) Key() string {
	generation := strconv.Itoa(s.Generation)
	if s.InRow {
		generation += inRow
	}
	return ObjectPrefix(s.Workspace, s.Asset) + generation + "/source"
}

// ParseSource reads an object key back; ok is false for every other key, also for one that Key would spell differently.
func ParseSource(key string) (s Source, ok bool) {
	p := strings.Split(key, "/")
	if len(p) != 6 {
		return s, false
	}
	w, err := id.ParseWorkspace(p[1])
	if err != nil {
		return s, false
	}
	a, err := id.ParseAsset(p[3])
	if err != nil {
		return s, false
	}
	generation, facts := strings.CutSuffix(p[4], inRow)
	g, err := strconv.Atoi(generation)
	if err != nil || g < 1 {
		return s, false
	}
	s = Source{w, a, g, facts}
	return s, s.Key() == key
}

// OrderPartition is the partition of a workspace's orders.
func OrderPartition(w id.Workspace) string { return w.String() + "#o" }

// OrderKey is the row of an order.
func OrderKey(w id.Workspace, o id.Order) table.Key {
	return table.Key{PK: OrderPartition(w), SK: o.String()}
}

// OrdersIn is the partition of IndexByStatus that lists the orders of a workspace in one status.
func OrdersIn(w id.Workspace, status string) string { return w.String() + "#" + status }

// ParseOrderKey reads OrderKey back; ok is false for rows of any other kind, also for a key that OrderKey would spell differently.
func ParseOrderKey(k table.Key) (w id.Workspace, o id.Order, ok bool) {
	ws, found := strings.CutSuffix(k.PK, "#o")
	if !found {
		return w, o, false
	}
	w, err := id.ParseWorkspace(ws)
	if err != nil {
		return w, o, false
	}
	o, err = id.ParseOrder(k.SK)
	return w, o, err == nil && OrderKey(w, o) == k
}

// OrderParts is the partition of the inputs and deliverables of an order.
func OrderParts(o id.Order) string { return "order#" + o.String() }

// Prefixes of the sort keys in OrderParts.
const (
	InputPrefix       = "input#"
	DeliverablePrefix = "out#"
)

// InputKey is the row that makes an asset an input of an order.
func InputKey(o id.Order, a id.Asset) table.Key {
	return table.Key{PK: OrderParts(o), SK: InputPrefix + a.String()}
}

// DeliverablesOf begins the sort keys of the deliverables of one attempt, counted from 1, at an order.
func DeliverablesOf(attempt int) string { return DeliverablePrefix + strconv.Itoa(attempt) + "#" }

// DeliverableKey is the row that makes an asset a deliverable of an attempt at an order.
func DeliverableKey(o id.Order, attempt int, a id.Asset) table.Key {
	return table.Key{PK: OrderParts(o), SK: DeliverablesOf(attempt) + a.String()}
}

// OrderCountKey is the row that counts what is open among the orders of a workspace.
func OrderCountKey(w id.Workspace) table.Key { return table.Key{PK: w.String(), SK: "orders"} }

// OrderDueShards is over how many partitions the orders that are to be visited are spread.
const OrderDueShards = 16

// OrderDuePartition lists the orders of one shard to visit, by time.
func OrderDuePartition(shard int) string { return "order-due#" + strconv.FormatInt(int64(shard), 16) }

// OrderDueKey is the row that leads to an order at a time.
func OrderDueKey(at time.Time, w id.Workspace, o id.Order) table.Key {
	return table.Key{PK: OrderDuePartition(int(o.Spread() % OrderDueShards)), SK: OrderDueTime(at) + "#" + w.String() + "#" + o.String()}
}

// ParseOrderDue reads the order from the key of a row that leads to it.
func ParseOrderDue(k table.Key) (w id.Workspace, o id.Order, err error) {
	_, rest, _ := strings.Cut(k.SK, "#")
	ws, text, _ := strings.Cut(rest, "#")
	if w, err = id.ParseWorkspace(ws); err != nil {
		return w, o, fmt.Errorf("key %s: %w", k, err)
	}
	if o, err = id.ParseOrder(text); err != nil {
		return w, o, fmt.Errorf("key %s: %w", k, err)
	}
	return w, o, nil
}

// OrderDueTime begins the sort keys of the orders to visit at a time, to the millisecond.
func OrderDueTime(at time.Time) string { return at.UTC().Format(dueFormat) }

const (
	workPrefix = "work#"
	workSK     = "work"
)

// WorkKey is the row of the work on an order.
func WorkKey(o id.Order) table.Key { return table.Key{PK: workPrefix + o.String(), SK: workSK} }

// ParseWorkKey reads WorkKey back; ok is false for rows of any other kind, also for a key that WorkKey would spell differently.
func ParseWorkKey(k table.Key) (o id.Order, ok bool) {
	text, found := strings.CutPrefix(k.PK, workPrefix)
	if !found {
		return o, false
	}
	o, err := id.ParseOrder(text)
	return o, err == nil && WorkKey(o) == k
}

// MakingPrefix begins the sort keys of the assets that are announced as deliverables, and not yet registered as such.
const MakingPrefix = "making#"

// MakingKey is the row of an asset that an attempt at an order is making.
func MakingKey(o id.Order, attempt int, a id.Asset) table.Key {
	return table.Key{PK: OrderParts(o), SK: MakingPrefix + strconv.Itoa(attempt) + "#" + a.String()}
}

// ParseMade reads attempt and asset from the key of a deliverable, or of an asset that is being made.
func ParseMade(k table.Key) (attempt int, a id.Asset, ok bool) {
	kind, rest, _ := strings.Cut(k.SK, "#")
	n, text, _ := strings.Cut(rest, "#")
	attempt, err := strconv.Atoi(n)
	if err != nil || kind+"#" != DeliverablePrefix && kind+"#" != MakingPrefix {
		return 0, a, false
	}
	a, err = id.ParseAsset(text)
	return attempt, a, err == nil
}

// SlotPrefix begins the sort keys of the places for work of a workspace.
const SlotPrefix = "slot#"

// SlotKey is the row of one place, counted from 0: who holds it is in work.
func SlotKey(w id.Workspace, n int) table.Key {
	return table.Key{PK: w.String(), SK: SlotPrefix + fmt.Sprintf("%03d", n)}
}

// ParseSlot reads the number of a place from its sort key.
func ParseSlot(sk string) (n int, ok bool) {
	text, found := strings.CutPrefix(sk, SlotPrefix)
	n, err := strconv.Atoi(text)
	return n, found && err == nil
}

// WaitPartition lists the orders of a workspace that wait for a place.
func WaitPartition(w id.Workspace) string { return w.String() + "#wait" }

// WaitKey is the row of an order that waits for a place.
func WaitKey(w id.Workspace, o id.Order) table.Key {
	return table.Key{PK: WaitPartition(w), SK: o.String()}
}

// CheckpointsOf begins the object keys of all that is kept between the workers of an order.
func CheckpointsOf(w id.Workspace, o id.Order) string {
	return "checkpoints/" + w.String() + "/" + o.String() + "/"
}

// CheckpointKey is the object that one worker of an attempt leaves for the next.
func CheckpointKey(w id.Workspace, o id.Order, attempt int) string {
	return CheckpointsOf(w, o) + strconv.Itoa(attempt) + "/checkpoint"
}
