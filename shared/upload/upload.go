// Package upload brings bytes to assets: it announces an asset and grants one signed way in, finds out what arrived, and settles.
//
//	pending_upload --bytes arrive--> (object event | client's complete | sweeper: whoever is first) --> Finalize --> ready | failed
//	failed --retry--> pending_upload, generation + 1          pending_upload --grant ends--> failed (expired)
//
// Every change of state is one conditional write on (state, generation), without a read before it. Whoever loses the race gets the
// winner's row and acts on it, so that duplicate, late and reordered calls all give the same answer. Expired is not final: S3 checks a grant
// when a request begins, so bytes may arrive long after; they still make the same generation ready.
//
// Bytes that are ready never change: the settling write names the object version that was inspected, every read names it too,
// and an event for any other version of a settled attempt removes exactly that version.
package upload

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/project"
	"github.com/assetry/assetry/shared/remote"
	"github.com/assetry/assetry/shared/table"
)

// Limits of the ways in.
const (
	MaxForm   = 5 << 30 // bytes a form or a PUT takes: S3's limit for a single write
	MaxDirect = 4 << 20 // bytes in a create request: what is left of Lambda's 6 MB after base64; the published client switches there
)

// Defaults of Options.
const (
	DefaultGrant          = 15 * time.Minute
	DefaultPartGrant      = 60 * time.Minute // a page of a thousand parts takes longer to send than a form
	DefaultSlack          = 45 * time.Minute
	DefaultCompleteWithin = 20 * time.Second // leaves a third of the gateway's 30 s for everything else
)

// Bucket is what uploads need of the bucket. See package blob for what the calls do and how they fail.
type Bucket interface {
	SignForm(ctx context.Context, f blob.FormSpec) (blob.Form, time.Time, error)
	SignBare(ctx context.Context, b blob.BareSpec) (url string, ends time.Time, err error)
	SignParts(ctx context.Context, key, upload string, ps []blob.PartSpec, expires time.Time) (urls []string, ends time.Time, err error)
	blob.Reader
	blob.Writer
	blob.Parts
}

// Workspaces finds workspaces; account.Service does.
type Workspaces interface {
	Workspace(ctx context.Context, w id.Workspace) (account.Workspace, error)
}

// Folders finds or makes the folder a client refers to; folder.Service does.
type Folders interface {
	Resolve(ctx context.Context, p access.Principal, w id.Workspace, ref string) (id.Folder, error)
}

// Projects finds projects; project.Service does. The error is fault.NotFound when there is none the principal may see.
type Projects interface {
	Get(ctx context.Context, p access.Principal, pr id.Project) (project.Project, error)
}

// Parts are what a Service is made of. Folders and Projects may be nil where nothing is announced, Remote where nothing is imported.
type Parts struct {
	Table      table.Table
	Bucket     Bucket
	Assets     *asset.Service
	Workspaces Workspaces
	Folders    Folders
	Projects   Projects
	Remote     remote.Files
}

// Options are what a Service may be given. The zero value works.
type Options struct {
	Now            func() time.Time // nil is time.Now
	Grant          time.Duration    // how long a form may be begun with; 0 is DefaultGrant
	PartGrant      time.Duration    // how long a part may be begun with; 0 is DefaultPartGrant
	Slack          time.Duration    // how long after that a transfer may still run before the attempt counts as expired; 0 is DefaultSlack
	MaxSize        int64            // bytes a form takes; 0 is MaxForm
	CompleteWithin time.Duration    // how long the joining of parts is waited for; 0 is DefaultCompleteWithin
	Import         ImportOptions
	Holds          asset.Holds // nil: nobody holds an asset

	// Begun hears of every attempt once it is announced, Ready of every one once it is ready, and how long after the asset was announced: each
	// from whoever wrote it, after the write. nil is nobody. Whoever dies in between, or does not hear the table's answer, tells nobody.
	Begun func(asset.Asset)
	Ready func(a asset.Asset, took time.Duration)
}

// Service announces, grants, finalizes, expires and cleans up. Safe for concurrent use.
type Service struct {
	Parts
	now            func() time.Time
	grant          time.Duration
	partGrant      time.Duration
	slack          time.Duration
	maxSize        int64
	completeWithin time.Duration
	imports        ImportOptions
	holds          asset.Holds
	begun          func(asset.Asset)
	ready          func(asset.Asset, time.Duration)

	mu     sync.Mutex
	active map[id.Workspace]time.Time // the last hour this process marked each workspace active in
}

// New makes a Service.
func New(p Parts, o Options) *Service {
	s := &Service{
		Parts: p, now: o.Now, grant: cmp.Or(o.Grant, DefaultGrant), partGrant: cmp.Or(o.PartGrant, DefaultPartGrant), slack: cmp.Or(o.Slack, DefaultSlack),
		maxSize: cmp.Or(o.MaxSize, MaxForm), completeWithin: cmp.Or(o.CompleteWithin, DefaultCompleteWithin), imports: o.Import.withDefaults(),
		holds: o.Holds, begun: o.Begun, ready: o.Ready, active: map[id.Workspace]time.Time{},
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.begun == nil {
		s.begun = func(asset.Asset) {}
	}
	if s.ready == nil {
		s.ready = func(asset.Asset, time.Duration) {}
	}
	return s
}

// expired says whether an attempt's bytes are no longer waited for.
func (s *Service) expired(a asset.Asset) bool { return s.now().After(s.waitsUntil(a)) }

// waitsUntil is when an attempt's bytes are given up: its grant's end, or its creation where nothing was granted, and slack.
func (s *Service) waitsUntil(a asset.Asset) time.Time {
	end := a.GrantUntil
	if end.IsZero() {
		end = a.CreatedAt().Add(s.grant)
	}
	return end.Add(s.slack)
}
