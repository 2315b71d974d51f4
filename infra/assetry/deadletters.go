package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/fault"
)

// deadLetters are what one place has of events that were given up.
type deadLetters interface {
	// source is what the place is called in --source.
	source() string
	// each calls f with one letter after the other until f has seen enough, and lets go of all that were not replayed.
	each(ctx context.Context, f func(context.Context, deadLetter) (more bool, err error)) error
}

// deadLetter is an event that was given up.
type deadLetter interface {
	describe() letterJSON
	// replay has the event handled again, and removes the letter once that is accepted. It may be repeated: every handler bears an event twice.
	replay(ctx context.Context) error
}

// The places of dead letters. Each queue is named as in template.yaml, with the queue of its dead letters.
const (
	fromImports  = "imports"
	fromOrders   = "orders"
	fromWebhooks = "webhooks"
	fromFailed   = "failed-events"
)

// letterJSON is a dead letter for machines. It has none of the event's content: rows of the table are among it, and addresses with their query.
type letterJSON struct {
	Source string    `json:"source"`
	ID     string    `json:"id"`
	At     time.Time `json:"at"`               // when the event was sent, or given up
	About  string    `json:"about"`            // what kind of event, and of which asset or order
	Reason string    `json:"reason,omitempty"` // why it was given up, where that is known
}

// listMost is how many letters a list shows unless --limit says otherwise.
const listMost = 100

// picked are the places that --source names.
type picked struct{ source string }

func (p *picked) declare(f *flag.FlagSet) {
	f.StringVar(&p.source, "source", "", "only those of `place`: "+fromImports+", "+fromOrders+", "+fromWebhooks+" or "+fromFailed)
}

func (p *picked) of(all []deadLetters) ([]deadLetters, error) {
	if p.source != "" && !slices.Contains([]string{fromImports, fromOrders, fromWebhooks, fromFailed}, p.source) {
		return nil, usage("--source %q is none of %s, %s, %s and %s", p.source, fromImports, fromOrders, fromWebhooks, fromFailed)
	}
	var out []deadLetters
	for _, d := range all {
		if p.source == "" || d.source() == p.source {
			out = append(out, d)
		}
	}
	if len(out) == 0 {
		return nil, usage("no place of dead letters is named: give --stack, or --failed-bucket, or both --imports-queue and --imports-dead, or both --orders-queue and --orders-dead, or both --webhooks-queue and --webhooks-dead")
	}
	return out, nil
}

func deadLettersList() command {
	p, limit := &picked{}, 0
	return command{
		name: "dead-letters list", brief: "show events that were given up",
		text: "Messages that a queue's worker did not take in five deliveries, and events and changes that a function did not take at all. What is\n" +
			"looked at in a queue is hidden from others for a moment.",
		examples: []string{"assetry dead-letters list", "assetry dead-letters list --source imports --json"},
		flags: func(f *flag.FlagSet) {
			p.declare(f)
			f.IntVar(&limit, "limit", listMost, "how `many` are shown at most")
		},
		run: func(ctx context.Context, c *call) (answer, error) {
			places, err := p.of(c.store.dead)
			if err != nil {
				return answer{}, err
			}
			found, more := []letterJSON{}, false
			for _, place := range places {
				err = place.each(ctx, func(_ context.Context, d deadLetter) (bool, error) {
					if more = len(found) >= limit; !more {
						found = append(found, d.describe())
					}
					return !more, nil
				})
				if err != nil || more {
					break
				}
			}
			return answer{json: map[string]any{"dead_letters": found, "more": more}, text: func(out io.Writer) { letters(out, found, more) }}, err
		},
	}
}

// letters prints dead letters for people.
func letters(out io.Writer, found []letterJSON, more bool) {
	var rows [][]string
	for _, l := range found {
		rows = append(rows, []string{l.Source, date(l.At), l.About, l.Reason, l.ID})
	}
	columns(out, "There are no dead letters.", []string{"SOURCE", "AT", "ABOUT", "REASON", "ID"}, rows)
	if more {
		fmt.Fprintln(out, "There are more: --limit shows them.")
	}
}

// failureJSON is a letter that could not be replayed.
type failureJSON struct {
	ID      string `json:"id"`
	Message string `json:"message"`
}

// replaying is one run of replay.
type replaying struct {
	wanted []string // ids; none: all
	told   func(string)
	done   []string
	failed []failureJSON
}

func deadLettersReplay() command {
	p := &picked{}
	return command{
		name: "dead-letters replay", operands: "[ID ...]", most: 1000, brief: "have events handled again that were given up",
		needs: needReplay,
		text: "All of them, or those with the ids of `assetry dead-letters list`. A letter is removed once its event was accepted: by the queue, or by\n" +
			"the function. It may be handled twice where the tool is cut off in between, which every handler bears; versions order what happened to\n" +
			"an asset. Find out first why the letters died: what is still broken gives them up again.",
		examples: []string{"assetry dead-letters replay", "assetry dead-letters replay --source webhooks"},
		flags:    p.declare,
		run: func(ctx context.Context, c *call) (answer, error) {
			places, err := p.of(c.store.dead)
			if err != nil {
				return answer{}, err
			}
			_, told := c.progress(ctx, "replaying")
			r := &replaying{wanted: c.operands, told: told, done: []string{}, failed: []failureJSON{}}
			for _, place := range places {
				if err = place.each(ctx, r.one); err != nil {
					break
				}
			}
			told("")
			return r.answer(), r.judge(err)
		},
	}
}

// one replays a letter, if it is wanted. One that fails stops no other.
func (r *replaying) one(ctx context.Context, d deadLetter) (more bool, err error) {
	l := d.describe()
	if len(r.wanted) > 0 && !slices.Contains(r.wanted, l.ID) {
		return true, nil
	}
	if err := d.replay(ctx); err != nil {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		r.failed = append(r.failed, failureJSON{l.ID, sentence(err)})
	} else {
		r.done = append(r.done, l.ID)
	}
	r.told(fmt.Sprintf("%d accepted, %d failed so far", len(r.done), len(r.failed)))
	return len(r.wanted) == 0 || len(r.done)+len(r.failed) < len(r.wanted), nil
}

func (r *replaying) answer() answer {
	return answer{
		json: map[string]any{"replayed": r.done, "failed": r.failed},
		text: func(out io.Writer) {
			fmt.Fprintf(out, "%s accepted again, %d failed.\n", counted(len(r.done), "event was", "events were"), len(r.failed))
			for _, f := range r.failed {
				fmt.Fprintf(out, "  %s: %s\n", f.ID, f.Message)
			}
		},
	}
}

// judge says how a run ended.
func (r *replaying) judge(err error) error {
	if err != nil {
		return err
	}
	if n := len(r.failed); n > 0 {
		return fmt.Errorf("%s not accepted and stay among the dead letters; find out why from the function's log, then repeat", counted(n, "event was", "events were"))
	}
	var absent []string
	for _, id := range r.wanted {
		if !slices.Contains(r.done, id) {
			absent = append(absent, id)
		}
	}
	if len(absent) > 0 {
		return fault.New(fault.NotFound, "There is no dead letter %s here; `assetry dead-letters list` shows all.", strings.Join(absent, ", "))
	}
	return nil
}

// aboutMessage says what the message of a queue is about, which is an event as EventBridge delivers it.
func aboutMessage(body string) string {
	var e struct {
		Type   string     `json:"detail-type"`
		Detail bus.Detail `json:"detail"`
	}
	if json.Unmarshal([]byte(body), &e) != nil || e.Type == "" {
		return "a message that cannot be read"
	}
	if o := e.Detail.Order; o != nil {
		return fmt.Sprintf("%s of order %s, version %d", e.Type, o.Order, e.Detail.Version)
	}
	return fmt.Sprintf("%s of asset %s, version %d", e.Type, e.Detail.Asset, e.Detail.Version)
}
