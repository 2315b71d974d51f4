package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/schema"
)

// verdict is what a soak found at its end.
type verdict struct {
	lives   int
	states  map[string]int // how assets ended
	lost    []string
	orphans []string
	doubles []string
	stuck   []string
	blamed  []*life
	stories []string // what clients did and were answered, life by life
	wrong   []string // answers that contradict each other, and errors that nothing explains
}

// clean says whether nothing was found.
func (v verdict) clean() bool { return v.found() == 0 }

// found counts all findings.
func (v verdict) found() int {
	return len(v.lost) + len(v.orphans) + len(v.doubles) + len(v.stuck) + len(v.wrong)
}

// audit holds table, bucket and consumer against what clients were told.
func (s *soak) audit(ctx context.Context) (verdict, error) {
	v := verdict{lives: len(s.lives), states: map[string]int{}, wrong: s.wrongs, doubles: append(s.consumer.doubles, s.receiver.doubles...)}
	named := map[string]bool{} // versions that ready assets name
	for _, l := range s.lives {
		v.stories = append(v.stories, strings.Join(l.did, "\n"))
		before := v.found()
		if err := s.auditLife(ctx, &v, l, named); err != nil {
			return v, err
		}
		if v.found() > before {
			v.blame(l)
		}
	}
	if err := s.auditOrders(ctx, &v, named); err != nil {
		return v, err
	}
	return v, s.auditBucket(ctx, &v, named)
}

// auditLife holds what is there of a life against what its client was told.
func (s *soak) auditLife(ctx context.Context, v *verdict, l *life, named map[string]bool) error {
	if err := s.auditSearch(ctx, v, l); err != nil {
		return err
	}
	a, err := s.assets.Find(ctx, s.ws, l.id)
	if fault.Is(err, fault.NotFound) {
		v.judgeMissing(l)
		return nil
	}
	if err != nil {
		return err
	}
	v.states[ended(a)]++
	if a.State == asset.Ready {
		named[a.Source().Key()+" "+a.Object] = true
	}
	v.judgeNews(l, &a, ended(a))
	return v.judge(ctx, l, a)
}

// auditSearch holds that the word of a life finds its asset, as long as there is one, and nothing else.
func (s *soak) auditSearch(ctx context.Context, v *verdict, l *life) error {
	found, err := s.assets.List(ctx, s.who, asset.Query{Workspace: s.ws, Search: l.word(), Limit: 10})
	if err != nil {
		return fmt.Errorf("search for %q: %w", l.word(), err)
	}
	_, err = s.assets.Find(ctx, s.ws, l.id)
	there := err == nil
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	if len(found.Assets) > 1 || there != (len(found.Assets) == 1 && found.Assets[0].ID == l.id) {
		v.lost = append(v.lost, fmt.Sprintf("life %d: a search for its word finds %d assets, and asset %s is there: %t", l.n, len(found.Assets), l.id, there))
	}
	return nil
}

// ended names how an asset ended.
func ended(a asset.Asset) string {
	if a.State == asset.Failed {
		return fmt.Sprintf("%s (%s)", a.State, a.Cause)
	}
	return string(a.State)
}

// judgeMissing holds an asset that is not there against its life.
func (v *verdict) judgeMissing(l *life) {
	switch {
	case l.begun && !l.asks:
		v.lost = append(v.lost, fmt.Sprintf("life %d (%s): asset %s is not there, and nobody deleted it", l.n, l.way, l.id))
	case l.begun:
		v.states["deleted"]++
		v.judgeNews(l, nil, "deleted")
	default:
		v.states["never begun"]++
	}
}

// judgeNews holds what the bus's consumer and the webhook's receiver heard against how an asset stands; deleted ones are nil.
func (v *verdict) judgeNews(l *life, a *asset.Asset, stands string) {
	for who, c := range map[string]*consumer{"consumer of the bus": l.consumer, "receiver of the webhook": l.receiver.consumer} {
		if !c.knows(l.id.String(), a) {
			v.lost = append(v.lost, fmt.Sprintf("life %d: the %s never heard that asset %s is %s", l.n, who, l.id, stands))
		}
	}
}

// judge holds an asset against its life.
func (v *verdict) judge(ctx context.Context, l *life, a asset.Asset) error {
	says := func(list *[]string, format string, args ...any) {
		*list = append(*list, fmt.Sprintf("life %d (%s), asset %s: ", l.n, l.way, a.ID)+fmt.Sprintf(format, args...))
	}
	files := l.sent[a.Generation]
	bad := slices.ContainsFunc(files, func(s sent) bool { return !s.good })
	good := slices.ContainsFunc(files, func(s sent) bool { return s.good }) || l.joined[a.Generation]
	switch {
	case l.deleted:
		says(&v.lost, "is %s, but its delete was answered", a.State)
	case l.ready != "" && (a.State != asset.Ready || a.Object != l.ready):
		says(&v.lost, "was answered ready with version %s, and is %s with version %q", l.ready, a.State, a.Object)
	case a.State == asset.Pending:
		says(&v.stuck, "is still pending, in attempt %d", a.Generation)
	case a.State == asset.Failed && good && !bad:
		says(&v.lost, "the bucket took good bytes for attempt %d, and it is %s", a.Generation, ended(a))
	case a.State == asset.Failed && a.Cause == asset.Rejected && len(files) > 0 && !bad:
		says(&v.wrong, "was rejected, but nothing bad was sent")
	case a.State == asset.Ready:
		body, o, err := l.real.Read(ctx, a.Source().Key(), a.Object, 0, a.Size+1)
		if err != nil {
			says(&v.lost, "is ready, and version %s cannot be read: %v", a.Object, err)
			return nil
		}
		if !l.sums[sha256.Sum256(body)] || o.Size != a.Size || o.ETag != a.ETag {
			says(&v.lost, "is ready with %d bytes that nobody sent", o.Size)
		}
	}
	return nil
}

// auditBucket holds that the bucket has what ready assets name, and nothing else; and that nothing waits to be done.
func (s *soak) auditBucket(ctx context.Context, v *verdict, named map[string]bool) error {
	vs, err := s.real.Versions(ctx, "w/", 0)
	if err != nil {
		return err
	}
	for _, o := range vs {
		if !named[o.Key+" "+o.Version] {
			v.orphan(s, fmt.Sprintf("version %s", o.Version), o.Key)
		}
	}
	us, err := s.real.Uploads(ctx, "w/")
	if err != nil {
		return err
	}
	for _, u := range us {
		v.orphan(s, fmt.Sprintf("open upload %s", u.ID), u.Key)
	}
	for name, n := range map[string]int{"object events": s.objects.waiting(), "requests for imports": s.imports.waiting(), "events": s.news.waiting(), "events for webhooks": s.hooks.waiting(), "requests for workers": s.works.waiting()} {
		if n > 0 {
			v.stuck = append(v.stuck, fmt.Sprintf("%d %s wait in their queue", n, name))
		}
	}
	return nil
}

// orphan notes what the bucket has and nobody names.
func (v *verdict) orphan(s *soak, what, key string) {
	src, _ := schema.ParseSource(key)
	owner := ""
	for _, l := range s.lives {
		if l.id == src.Asset {
			v.blame(l)
			owner = fmt.Sprintf(" (life %d, %s)", l.n, l.way)
		}
	}
	v.orphans = append(v.orphans, fmt.Sprintf("%s of %s%s", what, key, owner))
}
