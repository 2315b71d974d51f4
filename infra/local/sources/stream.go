package sources

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/table"
)

// Stream delivers the changes of a table to one function, in order and at least once: the position is kept after a batch is done. A change that
// is not taken holds up what comes after it, until it is given up.
type Stream struct {
	StreamOptions
	feed   table.Feed
	store  table.Table
	place  Place
	invoke Invoke
}

// StreamOptions say what a stream delivers to whom, and for how long. Function, BatchSize and ARN are required.
type StreamOptions struct {
	Function  string        // the folder's name
	ARN       string        // of the stream
	BatchSize int           // most changes of an invocation
	Filters   []Matcher     // a change is delivered when one of them matches its record; none: every change
	Reports   bool          // the answer names changes that failed; else what it says is passed over
	Bisect    bool          // a batch that failed as a whole is delivered in halves
	Retries   int           // deliveries of a batch after the first; below 0: without end
	MostAge   time.Duration // of a change that is still delivered; 0: any
	Failed    *Failures     // takes what is given up; nil: that is only logged
	Pauses    Pauses        // nil: StreamPauses

	// Grown gets a token when there may be new changes. Without one the stream is read again when Idle is over, and for a moment after a token
	// more often, because a feed may show a change a little later than it was made.
	Grown <-chan struct{}
	Idle  time.Duration // 0: a second
}

const (
	positionPartition = "stream-positions"
	attrPosition      = "position"
	readSoon          = 10 * time.Millisecond // until a feed is read again after a sign of growth; it doubles up to Idle
	defaultIdle       = time.Second
)

// NewStream makes the deliveries of a feed; how far they came is kept in the store. It delivers once Run is called.
func NewStream(feed table.Feed, store table.Table, p Place, invoke Invoke, o StreamOptions) *Stream {
	if o.Pauses == nil {
		o.Pauses = StreamPauses
	}
	if o.Idle == 0 {
		o.Idle = defaultIdle
	}
	return &Stream{o, feed, store, p, invoke}
}

// Run delivers until the context ends.
func (s *Stream) Run(ctx context.Context) {
	soon, failures := readSoon, 0
	for ctx.Err() == nil {
		found, err := s.next(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			failures++
			slog.WarnContext(ctx, "the stream will be read again", "function", s.Function, "in", s.Pauses.after(failures), "err", err)
			wait(ctx, nil, s.Pauses.after(failures))
		case found:
			soon, failures = readSoon, 0
		default:
			if s.rest(ctx, soon) {
				soon = readSoon
			} else {
				soon = min(2*soon, s.Idle)
			}
		}
	}
}

// rest waits for a sign of growth, and says whether there was one.
func (s *Stream) rest(ctx context.Context, most time.Duration) (grown bool) {
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-s.Grown:
		return true
	}
	return false
}

// next delivers what comes after the position, and says whether there was anything. The error is of the feed or the store.
func (s *Stream) next(ctx context.Context) (found bool, err error) {
	at, err := s.position(ctx)
	if err != nil {
		return false, err
	}
	cs, next, err := s.feed.Changes(ctx, at, s.BatchSize)
	if fault.KindOf(err) == fault.Invalid && at != "" {
		slog.ErrorContext(ctx, "changes of the stream are gone before they were delivered; what is left is delivered from its beginning",
			"function", s.Function, "err", err)
		return true, s.keep(ctx, "")
	}
	if err != nil || next == at && len(cs) == 0 {
		return false, err
	}
	rs, err := s.records(cs)
	if err != nil {
		return false, err
	}
	d := delivery{Stream: s, at: at, all: cs}
	if err := d.deliver(ctx, rs); err != nil {
		return false, err
	}
	return len(cs) > 0, s.keep(ctx, next)
}

func (s *Stream) key() table.Key { return table.Key{PK: positionPartition, SK: s.Function} }

func (s *Stream) position(ctx context.Context) (string, error) {
	it, err := s.store.Get(ctx, s.key(), table.Strong)
	if errors.Is(err, table.ErrNotFound) {
		return "", nil
	}
	return it.Str(attrPosition), err
}

// keep stores the position; nobody else writes it.
func (s *Stream) keep(ctx context.Context, position string) error {
	k := s.key()
	_, err := s.store.Write(ctx, table.Put(table.Item{
		table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK), attrPosition: table.String(position),
	}, table.Any(table.Absent(), table.Present())))
	return err
}

// keepBefore stores the position before a change of what was read, where the feed still says that there is one.
func (s *Stream) keepBefore(ctx context.Context, at string, all []table.Change, seq string) error {
	for i, c := range all {
		if c.Seq != seq || i == 0 {
			continue
		}
		cs, next, err := s.feed.Changes(ctx, at, i)
		if err != nil || len(cs) != i || cs[i-1].Seq != all[i-1].Seq {
			return err
		}
		return s.keep(ctx, next)
	}
	return nil
}
