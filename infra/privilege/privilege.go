// Package privilege compares what the functions' roles allow with what the functions really do.
//
// What they do is measured: infra/recorder notes every call that a function signs while the acceptance suites and the stories of this
// package's tests run on the deployed shape. What they may do is read from the stack that SAM makes of template.yaml: the policies of each
// role and the managed ones that SAM adds, cut by the permissions boundary and by statements that deny. What a recorder cannot see, because
// the service does it and not our code, is written down with its reason (Unseen).
//
// The three must fit exactly. A right that is used and not granted fails on AWS; one that is granted and neither used nor written down is too
// much; so is one on more than was used: an asterisk in place of a name that the template knows, or a list without its prefix.
//
// Resources are named as in the template: Table, Table/index/NAME, Table/stream, Bucket, Bucket/KEY, EventBus. Where ids are in a key it has
// an asterisk.
package privilege

import (
	"cmp"
	"slices"
	"strings"

	"github.com/assetry/assetry/infra/recorder"
)

// Right is an action on a resource.
type Right struct {
	Action   string // such as s3:PutObject
	Resource string // such as Table or Bucket/w/*/source; * is everything
	Prefix   string // of a list of a bucket, the pattern that s3:prefix has to fit; "" is any
	When     string // every other condition; "" is none
}

// String is the right as people say it.
func (r Right) String() string {
	s := r.Action + " on " + r.Resource
	if r.Prefix != "" {
		s += " by prefix " + r.Prefix
	}
	if r.When != "" {
		s += " when " + r.When
	}
	return s
}

// covers says whether a grant allows what was used.
func (r Right) covers(used Right) bool {
	return r.Action == used.Action && matches(r.Resource, used.Resource) && (r.Prefix == "" || matches(r.Prefix, used.Prefix))
}

// compareRights orders rights by resource, then action.
func compareRights(a, b Right) int {
	return cmp.Or(strings.Compare(a.Resource, b.Resource), strings.Compare(a.Action, b.Action), strings.Compare(a.Prefix, b.Prefix), strings.Compare(a.When, b.When))
}

// matches says whether a text fits a pattern of IAM: * is any number of characters, ? is one.
func matches(pattern, text string) bool {
	for pattern != "" {
		switch {
		case pattern[0] == '*':
			rest := pattern[1:]
			for i := 0; i <= len(text); i++ {
				if matches(rest, text[i:]) {
					return true
				}
			}
			return false
		case text == "" || pattern[0] != '?' && pattern[0] != text[0]:
			return false
		}
		pattern, text = pattern[1:], text[1:]
	}
	return text == ""
}

// Role is what one function may do.
type Role struct {
	Function string  // the folder's name
	Rights   []Right // what is left of the role within the boundary, ordered by resource, each once
	// Beyond are rights that a policy of the function's own grants and the boundary takes away: they would be missed.
	Beyond []Right
	// Unseen are the rights among Rights, and perhaps others, that nobody can record, with the reasons.
	Unseen []Unseen
}

// Unseen is a right that is used without a call that a recorder could see.
type Unseen struct {
	Right
	Why string
}

// Measured are the rights of a role that a recorder has to have seen.
func (r Role) Measured() []Right {
	return slices.DeleteFunc(slices.Clone(r.Rights), func(g Right) bool {
		return slices.ContainsFunc(r.Unseen, func(u Unseen) bool { return u.Right == g })
	})
}

// used gives the rights that the calls of a function used, and those of its requests that could not be mapped.
func used(calls []recorder.Call, function string) (rights []Right, unmapped []string) {
	for _, c := range calls {
		switch {
		case c.Function != function:
		case c.Unmapped != "":
			unmapped = append(unmapped, c.Unmapped)
		default:
			rights = append(rights, Right{Action: c.Action, Resource: c.Resource, Prefix: c.Prefix})
		}
	}
	slices.SortFunc(rights, compareRights)
	return slices.Compact(rights), slices.Compact(slices.Sorted(slices.Values(unmapped)))
}
