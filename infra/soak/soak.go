package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"
)

// atOnce is how many lives go on at the same time.
const atOnce = 24

// ordersAtOnce is how many orders are under way at the same time; there is one order for so many lives of assets in all.
const (
	ordersAtOnce = 8
	ordersIn     = 3
)

// settleHours is how long the sweeper runs after the last life: late bytes are looked for a day after an attempt was given up, and the parts
// of a failed import are kept for a day.
const settleHours = 80

// soak is one run.
type soak struct {
	*world
	seed   uint64
	lives  []*life
	buys   []*orderLife
	wrongs []string
	tell   func(done int) // progress
}

// run lives a number of lives, and reports what is left of them.
func run(ctx context.Context, seed uint64, lives int, dir string, progress func(done int), out io.Writer) (v verdict, err error) {
	w, err := newWorld(ctx, seed, dir)
	if err != nil {
		return v, err
	}
	defer w.close()
	s := &soak{world: w, seed: seed, tell: progress}
	w.peril.off = false
	if err := s.live(ctx, lives); err != nil {
		return v, err
	}
	w.peril.calm()
	if err := s.settle(ctx); err != nil {
		return v, err
	}
	if v, err = s.audit(ctx); err != nil {
		return v, err
	}
	report(out, s, v)
	return v, s.tellLives(ctx, v, out)
}

// complain keeps what should not have been.
func (s *soak) complain(format string, args ...any) {
	s.wrongs = append(s.wrongs, fmt.Sprintf(format, args...))
}

// live lets lives go on in turns, in the midst of all that the product does beside.
func (s *soak) live(ctx context.Context, total int) error {
	var now []*life
	var ordering []*orderLife
	for done := 0; (done < total || len(ordering) > 0) && ctx.Err() == nil; {
		for len(now) < atOnce && len(s.lives) < total {
			l := newLife(s.world, s.seed, len(s.lives), s.complain)
			s.lives, now = append(s.lives, l), append(now, l)
		}
		for len(ordering) < ordersAtOnce && len(s.buys) < total/ordersIn {
			o := newOrderLife(s.world, s.seed, len(s.buys), s.complain)
			s.buys, ordering = append(s.buys, o), append(ordering, o)
		}
		if err := s.turn(now, ordering); err != nil {
			return err
		}
		ordering = slices.DeleteFunc(ordering, func(o *orderLife) bool { return len(o.plan) == 0 })
		for i := 0; i < len(now); i++ {
			if len(now[i].plan) == 0 {
				now = append(now[:i], now[i+1:]...)
				done++
				s.tell(done)
				i--
			}
		}
	}
	return ctx.Err()
}

// turn does one thing: mostly a client's.
func (s *soak) turn(now []*life, ordering []*orderLife) error {
	switch n := s.chance.below(116); {
	case n >= 104 && len(ordering) > 0:
		if o := pick(s.chance, ordering...); o.due() {
			o.live()
		}
	case n >= 100:
		s.labour()
	case n < 50:
		if len(now) == 0 {
			break
		}
		if l := pick(s.chance, now...); l.due() {
			l.live()
		}
	case n < 62:
		s.arrive()
	case n < 78:
		_, err := s.follow(pick(s.chance, s.streams...), 1+s.chance.below(40))
		return err
	case n < 82:
		s.world.tell()
	case n < 86:
		s.post()
	case n < 91:
		s.work()
	default:
		s.clock.advance(s.chance.upTo(2 * time.Minute))
	}
	if s.clock.now().Sub(s.swung) >= 5*time.Minute {
		_ = s.sweep() // what they could not do, the next ones do
		_ = s.postAgain()
		_ = s.visit()
	}
	return nil
}

// settle lets all that is still to come come, without faults.
func (s *soak) settle(ctx context.Context) error {
	for range settleHours {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for range 3 { // what is done makes changes, and they events
			if err := s.drain(); err != nil {
				return err
			}
		}
		if err := s.sweep(); err != nil {
			s.complain("the sweeper failed without a fault: %v", err)
		}
		if err := s.postAgain(); err != nil {
			s.complain("webhooks failed without a fault: %v", err)
		}
		if err := s.visit(); err != nil {
			s.complain("the visits of orders failed without a fault: %v", err)
		}
		s.clock.advance(time.Hour)
	}
	return s.drain()
}

// drain delivers everything that is due.
func (s *soak) drain() error {
	for s.arrive() {
	}
	for s.work() {
	}
	for s.labour() {
	}
	for _, r := range s.streams {
		if err := s.exhaust(r); err != nil {
			return err
		}
	}
	for s.world.tell() {
	}
	for s.post() {
	}
	return nil
}

// exhaust lets a consumer of the stream take all there is.
func (s *soak) exhaust(r *reader) error {
	for {
		before := r.at
		more, err := s.follow(r, 100)
		if err != nil || !more {
			return err
		}
		if r.at == before {
			s.complain("a consumer of the stream does not get past %q without a fault", r.at)
			return nil
		}
	}
}
