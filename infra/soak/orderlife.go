package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/order"
)

// scan is an input as its client sees it.
type scan struct {
	upload  order.Upload
	asset   id.Asset
	session order.Session
	file    []byte
	etag    string
}

// orderLife is one order as its client sees it: what it asked for, and what it was answered. Its inputs it treats through both APIs.
type orderLife struct {
	*world
	n     int
	luck  *chance
	who   access.Principal // its client
	plan  []orderStep
	rest  time.Time // its client does nothing before
	fail  int       // how often the step at hand failed
	mends int       // how often it may still begin again

	id    id.Order
	begun bool
	scans []*scan
	last  order.Order // of the last answer
	ended order.Status
	did   []string
	wrong func(string, ...any)
}

// orderStep is one thing a client does.
type orderStep struct {
	name string
	do   func(*orderLife) error
}

// newOrderLife plans the life of an order from its own sequence of decisions.
func newOrderLife(w *world, seed uint64, n int, wrong func(string, ...any)) *orderLife {
	l := &orderLife{world: w, n: n, luck: newChance(seed, 1<<44+uint64(n)), who: w.buyer, mends: 3, wrong: wrong}
	l.id = id.Order(l.luck.asset(w.ws, w.clock.now()))
	l.plan = []orderStep{{"initialize", (*orderLife).initialize}}
	for range 1 + l.luck.below(3) {
		l.bring(false)
	}
	if l.luck.one(12) {
		return l // nobody submits it
	}
	l.plan = append(l.plan, orderStep{"submit", (*orderLife).submit})
	for range l.luck.below(4) {
		l.plan = append(l.plan, l.meddle())
	}
	l.plan = append(l.plan, orderStep{"look", (*orderLife).look}, orderStep{"mend", (*orderLife).mend})
	return l
}

// bring plans an input: its beginning, its bytes, and that they are said to be there. One that is good comes whole.
func (l *orderLife) bring(good bool) {
	s := &scan{file: xyz(l.n<<8 + len(l.scans))}
	s.upload = order.Upload{Format: "xyz", Way: pick(l.luck, "single", "single", "multi", "url"), ID: l.luck.asset(l.ws, l.clock.now())}
	s.asset = s.upload.ID
	switch {
	case !good && l.luck.one(8):
		s.file = picture(l.n)
	case !good && l.luck.one(8):
		s.file = append([]byte(refused), s.file...)
	}
	switch s.upload.Way {
	case "multi":
		s.upload.Parts = 1
	case "url":
		kind := sourceScan
		if !good && l.luck.one(6) {
			kind = sourceGone
		}
		s.upload.Source = sourceOf(kind, l.n<<8+len(l.scans))
		s.file = bodyOf(kind, l.n<<8+len(l.scans))
	}
	l.scans = append(l.scans, s)
	l.plan = append(l.plan, orderStep{"begin input", func(l *orderLife) error { return l.beginInput(s) }})
	if s.upload.Way != "url" && (good || !l.luck.one(8)) {
		l.plan = append(l.plan, orderStep{"send", func(l *orderLife) error { return l.send(s) }})
	}
	if s.upload.Way == "multi" || l.luck.one(2) {
		l.plan = append(l.plan, orderStep{"finalize", func(l *orderLife) error { return l.finalize(s) }})
	}
}

// meddle is what clients of either API do to an order that is under way.
func (l *orderLife) meddle() orderStep {
	s := pick(l.luck, l.scans...)
	return pick(l.luck,
		orderStep{"look", (*orderLife).look},
		orderStep{"submit", (*orderLife).submit},
		orderStep{"delete by the other API", func(l *orderLife) error { return l.remove(s) }},
		orderStep{"delete by the other API", func(l *orderLife) error { return l.remove(s) }},
		orderStep{"retry by the other API", func(l *orderLife) error { return l.retry(s) }},
		orderStep{"abandon", func(l *orderLife) error { return l.abandon(s) }},
		orderStep{"finalize", func(l *orderLife) error { return l.finalize(s) }},
		orderStep{"cancel", (*orderLife).cancel},
		orderStep{"wait", (*orderLife).wait},
	)
}

// due says whether the client has something to do now.
func (l *orderLife) due() bool { return len(l.plan) > 0 && !l.rest.After(l.clock.now()) }

// live does the next step; what failed for a moment is tried again later, a few times.
func (l *orderLife) live() {
	s := l.plan[0]
	err := l.process(func() error { return s.do(l) })
	l.did = append(l.did, noted(l.clock.now(), s.name, err))
	l.robbed(s.name)
	switch {
	case err == nil:
	case fault.Is(err, fault.Throttled), fault.Is(err, fault.Unavailable), errors.Is(err, errCrashed):
		if l.fail++; l.fail < maxFails {
			l.rest = l.clock.now().Add(l.luck.upTo(2 * time.Minute))
			return
		}
	default:
		l.wrong("order %d: %s: %v", l.n, s.name, err)
	}
	if s.name == "initialize" && !l.begun {
		l.plan = nil // the client gave up
		return
	}
	l.plan, l.fail = l.plan[1:], 0
	l.rest = l.clock.now().Add(l.luck.upTo(90 * time.Second))
}

// saw holds an answer against earlier ones: what has ended stays so, and no version is older.
func (l *orderLife) saw(o order.Order) {
	if l.ended != "" && o.Status != l.ended {
		l.wrong("order %d: was %s, and is %s", l.n, l.ended, o.Status)
	}
	if o.Version < l.last.Version {
		l.wrong("order %d: version %d was answered after version %d", l.n, o.Version, l.last.Version)
	}
	if o.Status == order.Completed || o.Status == order.Cancelled {
		l.ended = o.Status
	}
	l.begun, l.last = true, o
}

// answer takes what was answered, and errors that a client has to expect: of a state in which it cannot be done.
func (l *orderLife) answer(o order.Order, err error) error {
	if err == nil {
		l.saw(o)
	}
	return bearable(err)
}

func bearable(err error) error {
	if fault.Is(err, fault.Conflict) || fault.Is(err, fault.NotFound) || fault.Is(err, fault.Invalid) {
		return nil
	}
	return err
}

func (l *orderLife) initialize() error {
	return l.answer(l.orders.Initialize(context.Background(), l.who, order.Draft{ID: l.id, Name: fmt.Sprintf("Order %d", l.n), Product: tally{}.Name()}))
}

func (l *orderLife) submit() error {
	return l.answer(l.orders.Submit(context.Background(), l.who, l.id))
}

func (l *orderLife) cancel() error {
	return l.answer(l.orders.Cancel(context.Background(), l.who, l.id))
}

func (l *orderLife) look() error {
	return l.answer(l.orders.Get(context.Background(), l.who, l.id))
}

func (l *orderLife) wait() error {
	l.rest = l.clock.now().Add(l.luck.upTo(3 * time.Hour))
	return nil
}

// beginInput announces an input. A client whose request failed sends it again under the same id, as one with an idempotency key.
func (l *orderLife) beginInput(s *scan) error {
	got, err := l.orders.BeginUpload(context.Background(), l.who, l.id, s.upload)
	s.upload.Again = true
	if err == nil {
		s.session = got
	}
	return bearable(err)
}

// send puts the bytes of an input where its session says.
func (l *orderLife) send(s *scan) error {
	address := s.session.PutURL
	if s.session.Grant != nil && len(s.session.Grant.Parts) > 0 {
		address = s.session.Grant.Parts[0].URL
	}
	if address == "" {
		return nil
	}
	r, err := http.NewRequest(http.MethodPut, address, bytes.NewReader(s.file))
	if err != nil {
		return err
	}
	res, err := l.client().Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.StatusCode == http.StatusOK {
		s.etag = res.Header.Get("ETag")
		return nil
	}
	if res.StatusCode != http.StatusNotFound { // an upload that was ended meanwhile
		return fmt.Errorf("the bucket answered %d", res.StatusCode)
	}
	return nil
}

// finalize says that the bytes of an input are there.
func (l *orderLife) finalize(s *scan) error {
	var parts []blob.Part
	if s.upload.Way == "multi" && s.etag != "" {
		parts = []blob.Part{{Number: 1, ETag: s.etag}}
	}
	_, err := l.orders.FinalizeUpload(context.Background(), l.who, s.asset, l.id, "", parts)
	return bearable(err)
}

func (l *orderLife) abandon(s *scan) error {
	_, err := l.orders.Abandon(context.Background(), l.who, s.asset)
	return bearable(err)
}

// remove deletes an input through the API of assets.
func (l *orderLife) remove(s *scan) error {
	return bearable(l.assets.Delete(context.Background(), l.world.who, s.asset))
}

// retry begins another attempt at an input through the API of assets.
func (l *orderLife) retry(s *scan) error {
	_, _, err := l.uploads.Retry(context.Background(), l.world.who, s.asset, "")
	return bearable(err)
}

// mend begins again with an order whose submission or work failed: other inputs in place of those that are no good.
func (l *orderLife) mend() error {
	o, err := l.orders.Get(context.Background(), l.who, l.id)
	if err != nil {
		return bearable(err)
	}
	l.saw(o)
	if l.mends == 0 || o.Status != order.Drafted && o.Status != order.Initialized && o.Status != order.Error {
		return nil
	}
	l.mends--
	ins, err := l.orders.Inputs(context.Background(), l.who, l.id)
	if err != nil {
		return err
	}
	l.plan = l.plan[:1] // this one
	for _, in := range ins {
		if in.Asset.State != asset.Ready || o.Status == order.Error {
			a := in.Asset.ID
			l.plan = append(l.plan, orderStep{"abandon", func(l *orderLife) error {
				_, err := l.orders.Abandon(context.Background(), l.who, a)
				return bearable(err)
			}})
		}
	}
	l.bring(true)
	l.plan = append(l.plan, orderStep{"submit", (*orderLife).submit}, orderStep{"wait", (*orderLife).wait}, orderStep{"mend", (*orderLife).mend})
	return nil
}
