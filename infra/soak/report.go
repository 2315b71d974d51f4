package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// shown is how many findings of a kind are printed.
const shown = 10

// report prints what was done, what befell it, and what was found.
func report(out io.Writer, s *soak, v verdict) {
	fmt.Fprintf(out, "seed %d: %d lives", s.seed, v.lives)
	for _, name := range slices.Sorted(maps.Keys(v.states)) {
		fmt.Fprintf(out, ", %d %s", v.states[name], name)
	}
	fmt.Fprintf(out, "\ncalls %d, of which", s.peril.calls)
	var dealt []string
	for b, n := range s.peril.dealt {
		if b > 0 {
			dealt = append(dealt, fmt.Sprintf("%d %s", n, blowNames[b]))
		}
	}
	fmt.Fprintf(out, " %s; %d processes ended early, %d sweeps\n", strings.Join(dealt, ", "), s.crashes, s.swept)
	flow(out, "object events", s.objects.given, s.objects.twice, s.objects.late, s.objects.again, s.objects.lost)
	flow(out, "imports", s.imports.given, s.imports.twice, s.imports.late, s.imports.again, s.imports.lost)
	flow(out, "events", s.news.given, s.news.twice, s.news.late, s.news.again, s.news.lost)
	flow(out, "work on orders", s.works.given, s.works.twice, s.works.late, s.works.again, s.works.lost)
	flow(out, "webhook events", s.hooks.given, s.hooks.twice, s.hooks.late, s.hooks.again, s.hooks.lost)
	fmt.Fprintf(out, "heard by the consumer of the bus: %d, of which %d were old news; by the receiver of the webhook: %d, of which %d\n",
		s.consumer.heard, s.consumer.passed, s.receiver.heard, s.receiver.passed)
	fmt.Fprintf(out, "\n%-40s %8s\n", "after the sweeper's last hour", "found")
	for _, row := range []struct {
		what  string
		found []string
	}{
		{"lost assets, bytes and news", v.lost}, {"orphaned versions and uploads", v.orphans},
		{"double events to a consumer", v.doubles}, {"stuck assets and messages", v.stuck}, {"answers that cannot be", v.wrong},
	} {
		fmt.Fprintf(out, "%-40s %8d\n", row.what, len(row.found))
	}
	for _, list := range [][]string{v.lost, v.orphans, v.doubles, v.stuck, v.wrong} {
		for _, line := range list[:min(len(list), shown)] {
			fmt.Fprintf(out, "seed %d: %s\n", s.seed, line)
		}
	}
}

// flow prints what a queue did.
func flow(out io.Writer, name string, given, twice, late, again, lost int) {
	fmt.Fprintf(out, "%-14s %6d delivered, %5d twice, %5d late, %5d again after a failure, %4d lost for good\n", name, given, twice, late, again, lost)
}
