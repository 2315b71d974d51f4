package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/upload"
)

// digest is how bytes are compared.
type digest = [sha256.Size]byte

// sent is a file that the bucket took, or that an import may have copied, for one attempt.
type sent struct {
	sum  digest
	good bool
}

// life is one asset as its client sees it: what it asked for, and what it was answered.
type life struct {
	*world
	n    int
	luck *chance
	way  asset.Via
	plan []step
	rest time.Time // its client does nothing before
	fail int       // how often the step at hand failed

	id       id.Asset
	begun    bool // an answer said so
	again    bool // an earlier begin may have been done
	source   string
	form     *upload.Grant
	parts    *upload.PartsGrant
	grantFor int             // generation of form or parts
	etags    map[int]string  // of the parts that the bucket took
	file     []byte          // what its parts are of
	sent     map[int][]sent  // by generation
	sums     map[digest]bool // of every good file it had
	joined   map[int]bool    // generations whose parts the bucket joined, by its answer
	ready    string          // the object version that an answer called ready
	asks     bool            // it asked to be deleted
	deleted  bool            // and was told so
	did      []string        // what it did, for people
	last     asset.Asset     // of the last answer
	wrong    func(string, ...any)
}

// step is one thing a client does.
type step struct {
	name string
	do   func(*life) error
}

// newLife plans the life of an asset from its own sequence of decisions.
func newLife(w *world, seed uint64, n int, wrong func(string, ...any)) *life {
	l := &life{
		world: w, n: n, luck: newChance(seed, uint64(n)+1), etags: map[int]string{}, sent: map[int][]sent{}, sums: map[digest]bool{},
		joined: map[int]bool{}, wrong: wrong,
	}
	l.way = pick(l.luck, asset.ViaSigned, asset.ViaSigned, asset.ViaDirect, asset.ViaParts, asset.ViaURL)
	l.plan = []step{{"begin", (*life).begin}}
	switch l.way {
	case asset.ViaSigned:
		l.add(8, "send", (*life).send)
	case asset.ViaParts:
		l.add(8, "send", (*life).sendParts)
	}
	if l.luck.one(3) {
		l.plan = append(l.plan, step{"wait", (*life).wait})
	}
	l.add(3, "complete", (*life).complete)
	if l.luck.one(6) {
		l.add(8, "send", (*life).send)
	}
	l.add(3, "complete", (*life).complete)
	l.add(2, "look", (*life).look)
	if l.luck.one(4) {
		l.plan = append(l.plan, step{"rename", (*life).rename})
	}
	l.plan = append(l.plan, step{"retry", (*life).retry})
	if l.luck.one(4) {
		l.plan = append(l.plan, step{"wait", (*life).wait}, step{"retry", (*life).retry}, step{"complete", (*life).complete})
	}
	if l.luck.one(4) {
		l.plan = append(l.plan, step{"delete", (*life).remove})
		l.add(2, "delete", (*life).remove)
		l.add(2, "complete", (*life).complete)
	}
	l.plan = append(l.plan, step{"look", (*life).look})
	return l
}

// add plans a step, but not one time in n.
func (l *life) add(n int, name string, do func(*life) error) {
	if !l.luck.one(n) {
		l.plan = append(l.plan, step{name, do})
	}
}

// due says whether the client has something to do now.
func (l *life) due() bool { return len(l.plan) > 0 && !l.rest.After(l.clock.now()) }

// maxFails is how often a client tries a step.
const maxFails = 5

// live does the next step; what failed for a moment is tried again later, a few times.
func (l *life) live() {
	s := l.plan[0]
	err := l.process(func() error { return s.do(l) })
	l.note(s.name, err)
	switch {
	case err == nil:
	case fault.Is(err, fault.Throttled), fault.Is(err, fault.Unavailable), errors.Is(err, errCrashed):
		if l.fail++; l.fail < maxFails {
			l.rest = l.clock.now().Add(l.luck.upTo(2 * time.Minute))
			return
		}
	default:
		l.wrong("life %d (%s): %s: %v", l.n, l.way, s.name, err)
	}
	if s.name == "begin" && !l.begun {
		l.plan = nil // the client gave up, or was refused
		return
	}
	l.plan, l.fail = l.plan[1:], 0
	l.rest = l.clock.now().Add(l.luck.upTo(90 * time.Second))
}

// saw holds an answer against earlier ones: what is ready stays ready, with the same bytes.
func (l *life) saw(a asset.Asset) {
	if l.ready != "" && (a.State != asset.Ready || a.Object != l.ready) {
		l.wrong("life %d: was ready with version %s, and is %s with version %q", l.n, l.ready, a.State, a.Object)
	}
	if a.State == asset.Ready {
		l.ready = a.Object
	}
	l.begun, l.last = true, a
}

// bear takes errors that a client has to expect: a state in which it cannot be done, and its own delete.
func (l *life) bear(err error) error {
	if fault.Is(err, fault.Conflict) || l.asks && fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

func (l *life) wait() error {
	l.rest = l.clock.now().Add(l.luck.upTo(3 * time.Hour))
	return nil
}

func (l *life) look() error {
	a, err := l.assets.Get(context.Background(), l.who, l.id)
	if err == nil {
		l.saw(a)
	}
	return l.bear(err)
}

func (l *life) rename() error {
	title := "renamed " + l.word()
	a, err := l.assets.Update(context.Background(), l.who, l.id, asset.Change{Name: &title}, 0)
	if err == nil {
		l.saw(a)
	}
	return l.bear(err)
}

func (l *life) remove() error {
	l.asks = true
	err := l.assets.Delete(context.Background(), l.who, l.id)
	l.deleted = l.deleted || err == nil
	return err
}

// complete says that the bytes are there, sometimes with the list of the parts.
func (l *life) complete() error {
	var parts []blob.Part
	if l.parts != nil && l.last.Via == asset.ViaParts && len(l.etags) == l.parts.Count && l.luck.one(2) {
		for n := 1; n <= l.parts.Count; n++ {
			parts = append(parts, blob.Part{Number: n, ETag: l.etags[n]})
		}
	}
	a, err := l.uploads.CompleteParts(context.Background(), l.who, l.id, parts)
	if err == nil {
		l.saw(a)
	}
	return l.bear(err)
}

// retry begins the next attempt if there is one to begin, and brings good bytes then.
func (l *life) retry() error {
	ctx := context.Background()
	source := ""
	if l.way == asset.ViaURL && l.luck.one(2) {
		source = sourceOf(sourceGood, l.n)
		l.promise(bodyOf(sourceGood, l.n))
	}
	a, way, err := l.uploads.Retry(ctx, l.who, l.id, source)
	if fault.Is(err, fault.Conflict) { // perhaps an earlier try was done, and its answer lost
		if a, err = l.assets.Get(ctx, l.who, l.id); err == nil && a.State == asset.Pending && a.Via != asset.ViaURL {
			return l.regrant()
		}
	}
	if err != nil {
		return l.bear(err)
	}
	l.saw(a)
	if a.State != asset.Pending || way.Form == nil && way.Parts == nil {
		return nil
	}
	l.grant(a, way.Form, way.Parts)
	l.plan = append([]step{l.plan[0], l.bring(a)}, l.plan[1:]...)
	return nil
}

// bring is the step that brings the bytes of an attempt.
func (l *life) bring(a asset.Asset) step {
	if a.Via == asset.ViaParts {
		return step{"send", (*life).sendParts}
	}
	return step{"send", (*life).send}
}

// grant keeps a way in.
func (l *life) grant(a asset.Asset, f *upload.Grant, p *upload.PartsGrant) {
	if a.Generation != l.grantFor {
		l.etags = map[int]string{}
	}
	l.form, l.parts, l.grantFor = f, p, a.Generation
}

// regrant asks for the way in again.
func (l *life) regrant() error {
	ctx := context.Background()
	a, err := l.assets.Get(ctx, l.who, l.id)
	if err != nil {
		return l.bear(err)
	}
	if a.Via == asset.ViaParts {
		a, g, err := l.uploads.SignParts(ctx, l.who, l.id, upload.PartsQuery{})
		if err == nil {
			l.grant(a, nil, &g)
		}
		return l.bear(err)
	}
	a, g, err := l.uploads.Regrant(ctx, l.who, l.id)
	if err == nil {
		l.grant(a, &g, nil)
	}
	return l.bear(err)
}

// promise notes a good file that may become the asset's.
func (l *life) promise(file []byte) { l.sums[sha256.Sum256(file)] = true }
