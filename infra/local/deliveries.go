package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/assetry/assetry/infra/local/sources"
	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/infra/pattern"
	"github.com/assetry/assetry/infra/template"
	"github.com/assetry/assetry/shared/table"
)

// Where this stack is quicker than the template, so that nobody has to wait for what they are trying out.
var cadence = map[string]time.Duration{
	"sweep":           time.Minute,     // deployed every five minutes
	"webhook-retries": 5 * time.Second, // deployed every minute
}

// mostWorkers is how many invocations a source makes at once where the template allows more: this is one machine.
const mostWorkers = 8

// deliveries invoke functions with what happens, as the template says.
type deliveries struct {
	place  sources.Place
	store  table.Table
	failed *sources.Failures
	invoke sources.Invoke

	queues        map[string]*sources.Queue // by logical id
	asyncs        map[string]*sources.Async // by folder
	notifications []sources.Notification    // of the bucket
	run           []func(context.Context) error
}

// newDeliveries makes every source of the template but the streams, which follow takes, and gives the rules of the bus to it.
func newDeliveries(t *template.Template, d deliveries, bus *sources.Bus) (*deliveries, error) {
	d.queues, d.asyncs = map[string]*sources.Queue{}, map[string]*sources.Async{}
	redrive := map[string]template.Queue{}
	for _, q := range t.Queues {
		redrive[q.Name] = q
	}
	for _, f := range t.Functions {
		for _, e := range template.EventsOf[template.SQS](f) {
			d.addQueue(f, e, redrive[e.Queue])
		}
		for _, e := range template.EventsOf[template.Schedule](f) {
			d.addSchedule(f, e)
		}
	}
	for _, n := range t.Notifications {
		if first := t.Notifications[0].Bucket; n.Bucket != first {
			return nil, fmt.Errorf("the buckets %s and %s notify functions; this stack has one", first, n.Bucket)
		}
		f, ok := t.Function(template.FolderOf(n.Function))
		if !ok {
			return nil, fmt.Errorf("the bucket %s notifies %s, which is no function of the template", n.Bucket, n.Function)
		}
		d.notifications = append(d.notifications, sources.Notification{Event: n.Event, Prefix: n.Prefix, Suffix: n.Suffix, Function: d.async(f)})
	}
	return &d, d.addRules(t, bus)
}

func (d *deliveries) addQueue(f template.Function, e template.SQS, redrive template.Queue) {
	workers := mostWorkers
	if e.MaxConcurrency > 0 {
		workers = min(workers, e.MaxConcurrency)
	}
	q := sources.NewQueue(d.store, d.place, d.invoke, sources.QueueOptions{
		Name: e.Queue, Dead: redrive.DeadLetters, Receives: redrive.MaxReceives,
		Function: f.Folder, BatchSize: e.BatchSize, Workers: workers, Reports: e.PartialFailures,
	})
	d.queues[e.Queue] = q
	d.run = append(d.run, q.Run)
}

func (d *deliveries) addSchedule(f template.Function, e template.Schedule) {
	every := e.Every
	if quicker, ok := cadence[f.Folder]; ok {
		every = quicker
	}
	s := sources.Schedule{Function: f.Folder, Every: every, Input: e.Input, Place: d.place, Invoke: d.invoke}
	d.run = append(d.run, func(ctx context.Context) error { s.Run(ctx); return nil })
}

// async are the asynchronous invocations of a function.
func (d *deliveries) async(f template.Function) *sources.Async {
	if a, ok := d.asyncs[f.Folder]; ok {
		return a
	}
	a := sources.NewAsync(d.store, d.place, d.invoke, sources.AsyncOptions{
		Function: f.Folder, Retries: f.AsyncRetries, MostAge: f.MaxEventAge, Failed: d.destination(f.OnFailure), Workers: mostWorkers,
	})
	d.asyncs[f.Folder] = a
	d.run = append(d.run, a.Run)
	return a
}

// destination takes what a function could not handle; nil where the template names none.
func (d *deliveries) destination(onFailure string) *sources.Failures {
	if onFailure == "" {
		return nil
	}
	return d.failed
}

// addRules leads what is put on the bus to the queues of the rules.
func (d *deliveries) addRules(t *template.Template, bus *sources.Bus) error {
	var rs []sources.Rule
	for _, r := range t.Rules {
		if first := t.Rules[0].Bus; r.Bus != first {
			return fmt.Errorf("rule %s is of the bus %s, and others are of %s; this stack has one", r.Name, r.Bus, first)
		}
		p, err := pattern.Parse(r.Pattern)
		if err != nil {
			return fmt.Errorf("rule %s: %w", r.Name, err)
		}
		rule := sources.Rule{Pattern: p}
		for _, target := range r.Targets {
			q, ok := d.queues[target.Queue]
			if !ok { // kept all the same
				q = sources.NewQueue(d.store, d.place, d.invoke, sources.QueueOptions{Name: target.Queue})
				d.queues[target.Queue] = q
			}
			rule.Targets = append(rule.Targets, q)
		}
		rs = append(rs, rule)
	}
	bus.Rules(rs...)
	return nil
}

// notify keeps the events of an object that was made in the bucket. It is called while the writer of the object waits.
func (d *deliveries) notify(e versity.Event) error {
	return sources.Notify(context.Background(), d.place, d.notifications, sources.Object(e))
}

// changes are the feed of a table's stream, and what tells that it has grown.
type changes struct {
	feed  table.Feed
	arn   string
	grown func() <-chan struct{} // a channel of its own for each reader
}

// follow delivers the stream of a table to the functions that the template names.
func (d *deliveries) follow(t *template.Template, feeds map[string]changes) error {
	for _, f := range t.Functions {
		for _, e := range template.EventsOf[template.DynamoDB](f) {
			c, ok := feeds[e.Table]
			if !ok {
				return fmt.Errorf("%s follows the stream of %s, and this stack has no such table", f.Name, e.Table)
			}
			o := sources.StreamOptions{
				Function: f.Folder, ARN: c.arn, BatchSize: e.BatchSize, Reports: e.PartialFailures, Bisect: e.Bisect,
				Retries: e.MaxRetries, MostAge: e.MaxAge, Failed: d.destination(e.OnFailure), Grown: c.grown(),
			}
			for _, text := range e.Filters {
				p, err := pattern.Parse(text)
				if err != nil {
					return fmt.Errorf("%s: %w", f.Name, err)
				}
				o.Filters = append(o.Filters, p)
			}
			s := sources.NewStream(c.feed, d.store, d.place, d.invoke, o)
			d.run = append(d.run, func(ctx context.Context) error { s.Run(ctx); return nil })
		}
	}
	return nil
}

// start begins to deliver. What it gives ends that, and waits for what is under way. A source that cannot go on is told to failed.
func (d *deliveries) start(parent context.Context, failed func(error)) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	var running sync.WaitGroup
	for _, run := range d.run {
		running.Go(func() {
			if err := run(ctx); err != nil && ctx.Err() == nil {
				failed(err)
			}
		})
	}
	return func() {
		cancel()
		running.Wait()
	}
}
