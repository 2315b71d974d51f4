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

import "github.com/assetry/assetry/shared/table"

// Attributes shared by all kinds of items. Package table spells the keys and "expires".
const (
	Version   = "version"    // Number: counts the writes of the item, from 1
	Name      = "name"       // String: what people call it
	CreatedBy = "created_by" // String: id of the API key that made it
	Workspace = "workspace"  // String: id of a workspace, where the key does not say it
	CreatedAt = "created_at" // Number: Unix milliseconds, where the id does not say it
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

// AfterPrefix is the first sort key after all that begin with prefix, for Query.To. The prefix ends in an ASCII character.
func AfterPrefix(prefix string) string {
	return prefix[:len(prefix)-1] + string(prefix[len(prefix)-1]+1)
}
