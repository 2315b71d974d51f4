package privilege

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assetry/assetry/infra/recorder"
)

// Compare holds the roles against what was recorded, and gives a sentence for each right that is missing or too much, in the order of the
// roles. Nothing is left to say when they fit.
func Compare(roles []Role, calls []recorder.Call) (findings []string) {
	for _, r := range roles {
		findings = append(findings, r.compare(calls)...)
	}
	for _, c := range calls {
		if !slices.ContainsFunc(roles, func(r Role) bool { return r.Function == c.Function }) {
			findings = append(findings, fmt.Sprintf("%s made a call and has no role in the stack: add the function to template.yaml.", c.Function))
		}
	}
	return slices.Compact(findings)
}

// compare holds one role against the calls of its function.
func (r Role) compare(calls []recorder.Call) (findings []string) {
	rights, unmapped := used(calls, r.Function)
	say := func(format string, args ...any) {
		findings = append(findings, r.Function+" "+fmt.Sprintf(format, args...))
	}
	for _, u := range unmapped {
		say("sent a request that no right is known for: %s.", u)
	}
	for _, b := range r.Beyond {
		say("is granted %s, which the resource Boundary of template.yaml takes away: add it there, or drop it from the function's Policies.", b)
	}
	for _, u := range rights {
		if !slices.ContainsFunc(r.Rights, func(g Right) bool { return g.covers(u) }) {
			say("uses %s, which its role does not grant: add it to the function's Policies in template.yaml, or do not call it.", u)
		}
	}
	for _, g := range r.Rights {
		if says := r.excess(g, rights); says != "" {
			say("%s", says)
		}
	}
	return findings
}

// excess says why a grant is more than what was used; "" when it is not.
func (r Role) excess(g Right, used []Right) string {
	if strings.ContainsAny(g.Action, "*?") {
		return fmt.Sprintf("is granted %s: name the actions.", g)
	}
	if slices.ContainsFunc(r.Unseen, func(u Unseen) bool { return u.Right == g }) {
		return ""
	}
	var covered []string
	for _, u := range used {
		if g.covers(u) {
			covered = append(covered, u.String())
			if u.Resource == g.Resource && u.Prefix == g.Prefix && g.When == "" {
				return ""
			}
		}
	}
	if len(covered) == 0 {
		return fmt.Sprintf("is granted %s, which was not used: drop it from the function's Policies in template.yaml, add a story to infra/privilege that uses it, or write down in infra/privilege/unseen.go why it cannot be seen.", g)
	}
	return fmt.Sprintf("is granted %s, which is more than was used: %s. Grant no more than that.", g, strings.Join(covered, ", "))
}
