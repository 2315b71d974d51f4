// Package asset is the thing itself: one file of a workspace, from the moment somebody announces it until it is deleted.
//
// The package reads, lists, changes and deletes assets; package upload creates them and brings their bytes. The row is one item under
// the workspace's partition (see schema), so a list is a strongly consistent range read without an index, and an object event finds the row
// from the object key alone.
package asset

import (
	"time"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
)

// State is where an asset stands.
type State string

// The states, as every API spells them.
const (
	Pending State = "pending_upload" // announced; bytes may arrive
	Ready   State = "ready"          // bytes verified; they never change again
	Failed  State = "failed"         // see Failure; a retry starts the next generation
)

// Via is the way an asset came in.
type Via string

// The ways in, as every API spells them.
const (
	ViaSigned Via = "signed_url" // a signed form or PUT straight to the bucket
	ViaPut    Via = "put"        // a signed PUT that binds nothing but the object, straight to the bucket; ours, not in the published contract
	ViaDirect Via = "direct"     // the bytes were in the create request
	ViaParts  Via = "multipart"  // signed parts straight to the bucket; ours, not in the published contract
	ViaURL    Via = "url"        // copied from an address
)

// Cause says for programs why an asset failed.
type Cause string

// The causes. Expired and Source are not final: bytes that were on their way may still make the same generation ready.
const (
	Expired  Cause = "expired"  // nobody brought the bytes in time
	Rejected Cause = "rejected" // the bytes are no good
	Source   Cause = "source"   // the address of an import did not give its bytes
	// Abandoned is that the client gave the upload up. It is final: bytes that come later are removed.
	Abandoned Cause = "abandoned"
)

// Asset is one asset as it stands at a version of its row.
type Asset struct {
	ID         id.Asset
	Workspace  id.Workspace
	Shard      int   // partition of the row within the workspace
	Version    int64 // counts the writes of the row, from 1
	State      State
	Generation int // counts the attempts at bringing the bytes, from 1

	Name        string // file name exactly as sent; "" when none was
	Description string
	Via         Via
	Folder      id.Folder  // zero: none
	Project     id.Project // the project it was created on; zero: none
	CreatedBy   id.Key

	Declared string // content type the client declared; "" when none was
	Format   string // what the bytes must be, one of media.Formats; "": whatever is allowed. It never changes
	Type     string // content type that was found; "" before ready
	Size     int64  // bytes; 0 before ready
	Width    int    // pixels as shown (orientation applied); 0: not known
	Height   int
	ETag     string // of Object
	Object   string // version id of the object that holds the bytes; "" before ready

	Upload   string        // id of the bucket's multipart upload of this generation; "": none
	PartSize int64         // bytes of every part of it but the last; 0: no parts are planned
	Parts    int           // how many parts there are, where their sizes are the client's; else 0
	MaxSize  int64         // bytes that are taken at most; 0: what the way in takes. It never changes
	Expected int64         // bytes that were announced, or that an import's source has; 0: not known
	Received int64         // bytes of an import that are in the bucket already; it may lag, and Version does not count it
	Checksum blob.Checksum // of the whole file, as announced; compared before ready

	Orders    Orders   // which it is an input or a deliverable of
	LeftOrder id.Order // which it left last; zero: none

	EditedAt   time.Time // when name, description or folder last changed, to the millisecond; zero: never
	Failure    string    // for people; "" unless failed
	Cause      Cause
	GrantUntil time.Time // when the last grant ends; zero for direct uploads
}

// CreatedAt is when the asset was announced, to the millisecond.
func (a Asset) CreatedAt() time.Time { return a.ID.Time() }

// Source names the object of the current generation.
func (a Asset) Source() schema.Source {
	return schema.Source{Workspace: a.Workspace, Asset: a.ID, Generation: a.Generation, InRow: a.factsInRow()}
}

// factsInRow says whether what was announced of the bytes is to be read in the row. The object says nothing that can be trusted where the client
// sent it without a binding, and has no place for a format, a limit or a number of parts. Within a generation none of this changes.
func (a Asset) factsInRow() bool {
	return a.Via == ViaPut || a.Format != "" || a.MaxSize > 0 || a.Parts > 0
}
