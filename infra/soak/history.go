package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// told is how many lives are told in full when something was found.
const told = 3

// note keeps what a client did, for the case that its life is looked into.
func (l *life) note(step string, err error) {
	l.did = append(l.did, noted(l.clock.now(), step, err))
}

// noted is a step and what was answered to it, in a line.
func noted(at time.Time, step string, err error) string {
	answer := "ok"
	if err != nil {
		answer = err.Error()
	}
	return fmt.Sprintf("%s  client: %s: %.200s", at.Format("01-02 15:04:05"), step, answer)
}

// blame notes that something was found about a life.
func (v *verdict) blame(l *life) {
	if len(v.blamed) == 0 || v.blamed[len(v.blamed)-1] != l {
		v.blamed = append(v.blamed, l)
	}
}

// tellLives prints what the clients of blamed lives did, and every change of a row that has to do with them.
func (s *soak) tellLives(ctx context.Context, v verdict, out io.Writer) error {
	for _, l := range v.blamed[:min(len(v.blamed), told)] {
		fmt.Fprintf(out, "\nlife %d (%s), asset %s:\n", l.n, l.way, l.id)
		for _, line := range l.did {
			fmt.Fprintln(out, line)
		}
		if err := s.tellRows(ctx, l, out); err != nil {
			return err
		}
	}
	return nil
}

// tellRows prints the changes of rows whose keys name an asset.
func (s *soak) tellRows(ctx context.Context, l *life, out io.Writer) error {
	for at := ""; ; {
		cs, next, err := s.db.Changes(ctx, at, 1000)
		if err != nil || len(cs) == 0 {
			return err
		}
		for _, c := range cs {
			if strings.Contains(c.Key.PK+c.Key.SK, l.id.String()) {
				fmt.Fprintf(out, "%s  table:  %s: %s to %s\n", c.At.UTC().Format("01-02 15:04:05"), c.Key, brief(c.Old), brief(c.New))
			}
		}
		at = next
	}
}

// brief is a row in a few words.
func brief(it table.Item) string {
	if it == nil {
		return "nothing"
	}
	return fmt.Sprintf("%s generation %d version %d", it.Str(schema.State), it.Int(schema.Generation), it.Int(schema.Version))
}
