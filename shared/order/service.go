package order

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/product"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/upload"
)

// DefaultDraftFor is for how long an order that is not submitted is kept after its last change.
const DefaultDraftFor = 30 * 24 * time.Hour

// Worker is told of a submitted order that a visit found, and says when to look at it again, for the zero time never; package processing does. It
// is asked for again and again, also while all is well, and after the end of an attempt for what it left.
type Worker func(ctx context.Context, o Order) (again time.Time, err error)

// Bucket is what orders need of the bucket: to see whether anything has come of an upload.
type Bucket interface {
	blob.Reader
	blob.Parts
}

// DefaultMaxUpload is how many bytes an input may have, unless an installation says otherwise.
const DefaultMaxUpload = 5_000_000_000_000

// Parts are what a Service is made of.
type Parts struct {
	Table   table.Table
	Bucket  Bucket
	Assets  *asset.Service
	Uploads *upload.Service
	Sealer  *page.Sealer
	Work    Worker // nil: orders in Processing are looked at, and left
}

// Options are what a Service may be given. The zero value works.
type Options struct {
	Now         func() time.Time // nil is time.Now
	Products    []string         // what can be ordered, in lower case; nil is product.Names
	DraftFor    time.Duration    // how long an order that is not submitted is kept after its last change; 0 is DefaultDraftFor
	OpenOrders  int              // of a workspace: orders that are neither completed, failed nor cancelled; 0: any number
	OpenUploads int              // of a workspace: inputs whose bytes are on their way; 0: any number
	MaxUpload   int64            // bytes of an input; 0 is DefaultMaxUpload; upload.MaxSize at most
	AtOnce      int              // orders that Visit looks at side by side, each of another partition; 0 is schema.OrderDueShards, the most
}

// Service begins, changes, submits and ends orders. Safe for concurrent use.
type Service struct {
	Parts
	now         func() time.Time
	products    []string
	draftFor    time.Duration
	openOrders  int
	openUploads int
	maxUpload   int64
	atOnce      int
}

// New makes a Service.
func New(p Parts, o Options) *Service {
	s := &Service{
		Parts: p, now: o.Now, products: o.Products, draftFor: cmp.Or(o.DraftFor, DefaultDraftFor), openOrders: o.OpenOrders, openUploads: o.OpenUploads,
		maxUpload: cmp.Or(o.MaxUpload, DefaultMaxUpload), atOnce: cmp.Or(o.AtOnce, schema.OrderDueShards),
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.products == nil {
		s.products = product.Names()
	}
	return s
}

// Missing is the answer for an order that does not exist or that the caller may not see.
func Missing() *fault.Error { return access.Missing("order") }

// Get finds an order of one of the caller's workspaces, as it is now. The error is fault.NotFound when there is none that the principal may
// read.
func (s *Service) Get(ctx context.Context, p access.Principal, o id.Order) (Order, error) {
	return s.allowed(ctx, p, access.ReadOrder, o)
}

// allowed finds an order that the principal may do something to. The errors are fault.NotFound and fault.Forbidden.
func (s *Service) allowed(ctx context.Context, p access.Principal, do access.Action, o id.Order) (Order, error) {
	for _, w := range p.Tagged(o.Tag()) {
		found, err := s.Find(ctx, w, o)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return Order{}, err
		}
		return found, access.Authorize(p, do, w)
	}
	return Order{}, Missing()
}

// Find reads an order of a workspace on nobody's behalf, strongly consistent: for events and workers. The error is fault.NotFound.
func (s *Service) Find(ctx context.Context, w id.Workspace, o id.Order) (Order, error) {
	it, err := s.Table.Get(ctx, schema.OrderKey(w, o), table.Strong)
	if errors.Is(err, table.ErrNotFound) {
		return Order{}, Missing()
	}
	if err != nil {
		return Order{}, fmt.Errorf("find order %s: %w", o, err)
	}
	return FromRow(it)
}

// findAll reads orders of a workspace; missing ones are left out.
func (s *Service) findAll(ctx context.Context, w id.Workspace, ids []id.Order) ([]Order, error) {
	keys := make([]table.Key, len(ids))
	for i, o := range ids {
		keys[i] = schema.OrderKey(w, o)
	}
	items, err := s.Table.BatchGet(ctx, keys, table.Strong)
	if err != nil {
		return nil, fmt.Errorf("find %d orders: %w", len(ids), err)
	}
	var out []Order
	for _, it := range items {
		if it == nil {
			continue
		}
		o, err := FromRow(it)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

// present is the time, as rows keep it.
func (s *Service) present() time.Time { return s.now().UTC().Truncate(time.Millisecond) }
