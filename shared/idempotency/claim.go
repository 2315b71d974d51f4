package idempotency

import (
	"context"
	"fmt"
	"time"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// concludeTime is how long the end of a request may take to be noted, and lateTime when the request's own time is over: the function has to
// answer still.
const (
	concludeTime = 2 * time.Second
	lateTime     = 250 * time.Millisecond
)

// maxTries bounds the writes of one claim: the put, its repeat after a lost answer, a take-over, its repeat.
const maxTries = 4

// Claim says whether a request is to run. The error is fault.Duplicate for one that was taken before, and then the claim's Thing is the id
// that it was taken under; the caller names it in the fault's fields. It is fault.KeyReused for another request under the key.
// What runs is to be ended by Conclude; a process that dies before leaves the lease to run out.
func (s *Service) Claim(ctx context.Context, r Request) (Claim, error) {
	k, mine := keyOf(r), s.draw(r)
	c := Claim{Thing: mine.thing, key: k, token: mine.token, evident: r.Evident}
	write, unsure := table.Put(mine.row(k), table.Absent()), false
	for range maxTries {
		_, err := s.t.Write(ctx, write)
		current, lost := table.Lost(err)
		switch {
		case fault.Is(err, fault.Unavailable):
			unsure = true // the same write again tells
			continue
		case err == nil, lost && current.Str(schema.Token) == mine.token: // the latter: written by a try whose answer was lost
			return c, nil
		case !lost:
			return Claim{}, s.giveUp(ctx, c, unsure, fmt.Errorf("claim an idempotency key: %w", err))
		case current == nil:
			c.Thing, c.Again, write = mine.thing, false, table.Put(mine.row(k), table.Absent())
			continue // released since it was taken
		}
		if c.Thing, err = s.judge(r, current); err != nil {
			return Claim{Thing: c.Thing}, err
		}
		c.Again, write = true, s.takeOver(k, current.Str(schema.Token), mine)
	}
	return Claim{}, s.giveUp(ctx, c, unsure, fault.New(fault.Unavailable, "The request could not be noted under its idempotency key. Repeat it."))
}

// judge says what a marker means for a request: nil when it is to be taken over. The id is the marker's.
func (s *Service) judge(r Request, current table.Item) (id.UUID, error) {
	m, err := decode(current)
	switch {
	case err != nil:
		return m.thing, err
	case m.sum != r.Sum:
		return m.thing, fault.New(fault.KeyReused, "This idempotency key was sent before with another request. "+
			"Send a new key with each new request, and an old key only with the very same one.")
	case m.done || s.now().Before(m.lease):
		return m.thing, Duplicate()
	}
	return m.thing, nil
}

// Duplicate says that the same request was taken before.
func Duplicate() *fault.Error {
	return fault.New(fault.Duplicate, "The same request was taken before under this idempotency key. Read what it made or changed; do not send it again.")
}

// takeOver moves the lease from whoever held it to mine. The time at which the key is forgotten stays.
func (s *Service) takeOver(k table.Key, from string, mine marker) table.Write {
	return table.Update(k, table.All(table.Eq(schema.Token, table.String(from)), table.HasNot(schema.Done)),
		table.Set(schema.Token, table.String(mine.token)), table.Set(schema.Lease, table.Int(mine.lease.UnixMilli())))
}

// giveUp ends a claim whose writes may have been done without anybody knowing, as far as it can: nothing ran under it.
func (s *Service) giveUp(ctx context.Context, c Claim, unsure bool, why error) error {
	if unsure {
		_ = s.Conclude(ctx, c, why) // the lease runs out all the same
	}
	return why
}

// Conclude ends a claim by what became of its request. Success is marked, unless it is evident, and so is fault.Duplicate, by which
// whoever makes the thing says that an earlier run made it. A refusal forgets the key; any other failure, and whatever befalls a request that ran
// before, ends the lease and keeps the id. A claim that somebody else took over is left alone. The outcome stands whatever Conclude
// answers: its error is for the log. It notes the end also when the time of ctx is over, and takes no longer than the answer can wait.
func (s *Service) Conclude(ctx context.Context, c Claim, outcome error) error {
	within := concludeTime
	if end, ok := ctx.Deadline(); ok {
		within = min(concludeTime, max(time.Until(end), 0)+lateTime)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), within)
	defer cancel()
	held := table.Eq(schema.Token, table.String(c.token))
	var w table.Write
	switch {
	case outcome == nil && c.evident && !c.Again:
		return nil
	case outcome == nil, fault.Is(outcome, fault.Duplicate):
		w = table.Update(c.key, held, table.Set(schema.Done, table.Bool(true)))
	case refused(outcome) && !c.Again:
		w = table.Delete(c.key, held)
	default:
		w = table.Update(c.key, held, table.Set(schema.Lease, table.Int(s.now().Add(-time.Millisecond).UnixMilli())))
	}
	_, err := s.t.Write(ctx, w)
	if fault.Is(err, fault.Unavailable) {
		_, err = s.t.Write(ctx, w)
	}
	if _, lost := table.Lost(err); lost || err == nil {
		return nil
	}
	return fmt.Errorf("conclude an idempotency key: %w", err)
}

// refused says whether an outcome certainly made nothing: the caller was at fault, and was told before anything was written.
// Throttled is not among them, because it may have befallen the last of several writes.
func refused(outcome error) bool {
	switch fault.KindOf(outcome) {
	case fault.Malformed, fault.Invalid, fault.NoCredentials, fault.BadCredentials, fault.Forbidden, fault.NotFound, fault.Conflict,
		fault.Stale, fault.TooLarge, fault.UnsupportedType:
		return true
	}
	return false
}
