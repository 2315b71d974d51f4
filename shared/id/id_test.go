package id_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/id"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 123_456_789, time.UTC)

// moment draws a time between 1970 and about 2110, to the nanosecond.
func moment(rt *rapid.T, label string) time.Time {
	return time.Unix(0, rapid.Int64Range(0, 1<<62).Draw(rt, label))
}

func TestNewIsAUUIDv7(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		at := moment(rt, "at")
		u := id.New(at)
		std, err := uuid.Parse(u.String())
		if err != nil || std.Version() != 7 || std.Variant() != uuid.RFC4122 || std.String() != u.String() {
			rt.Errorf("New(%v) = %s, which another reader takes for version %d, variant %v (%v)", at, u, std.Version(), std.Variant(), err)
		}
		if got, want := u.Time(), at.UTC().Truncate(time.Millisecond); !got.Equal(want) || got.Location() != time.UTC {
			rt.Errorf("Time = %v, want %v", got, want)
		}
		again, err := id.Parse(u.String())
		if err != nil || again != u {
			rt.Errorf("Parse(%s) = %v, %v", u, again, err)
		}
	})
}

func TestIDsSortByTime(t *testing.T) {
	w := id.NewWorkspace(noon)
	rapid.Check(t, func(rt *rapid.T) {
		a := moment(rt, "a")
		// 250 ns is the step of the 12 bits below the millisecond, rounded up.
		b := a.Add(time.Duration(rapid.Int64Range(250, 1e15).Draw(rt, "later")))
		first, second := id.In(w, a), id.In(w, b)
		if bytes.Compare(first[:], second[:]) >= 0 || first.String() >= second.String() {
			rt.Errorf("id of %v sorts after id of %v: %s, %s", a, b, first, second)
		}
	})
}

func TestFloorIsBelowEveryIDFromItsTimeOn(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		at := moment(rt, "at")
		later := at.Add(time.Duration(rapid.Int64Range(0, 1e12).Draw(rt, "later")))
		floor, u, before := id.Floor(at), id.New(later), id.New(at.Add(-250*time.Nanosecond))
		if bytes.Compare(floor[:], u[:]) > 0 {
			rt.Errorf("Floor(%v) = %s is above an id of %v: %s", at, floor, later, u)
		}
		if at.UnixNano() >= 250 && bytes.Compare(floor[:], before[:]) <= 0 {
			rt.Errorf("Floor(%v) = %s is not above an id made before: %s", at, floor, before)
		}
		if _, err := id.Parse(floor.String()); err != nil {
			rt.Errorf("Floor(%v) = %s does not parse", at, floor)
		}
	})
}

func TestIDsOfAWorkspaceCarryItsTag(t *testing.T) {
	w := id.NewWorkspace(noon)
	for what, tag := range map[string]uint32{
		"asset": id.NewAsset(w, noon).Tag(), "project": id.NewProject(w, noon).Tag(),
		"webhook": id.UUID(id.NewWebhook(w, noon)).Tag(),
		"folder":  id.UUID(id.NewFolder(w, noon)).Tag(), "node": id.UUID(id.NewNode(w, noon)).Tag(),
	} {
		if tag != w.Tag() {
			t.Errorf("%s has tag %08x, want the workspace's %08x", what, tag, w.Tag())
		}
	}
}

func TestIDsOfOneMomentDiffer(t *testing.T) {
	w := id.NewWorkspace(noon)
	seen, spread := map[id.Asset]bool{}, map[byte]bool{}
	for range 2000 {
		a := id.NewAsset(w, noon)
		if seen[a] {
			t.Fatalf("id %s was drawn twice among 2,000", a)
		}
		seen[a], spread[a.Spread()] = true, true
	}
	if len(spread) < 200 {
		t.Errorf("2,000 ids spread over %d of 256 bytes", len(spread))
	}
}

func TestTextFormsRoundTrip(t *testing.T) {
	w := id.NewWorkspace(noon)
	a, p, f, n, k := id.NewAsset(w, noon), id.NewProject(w, noon), id.NewFolder(w, noon), id.NewNode(w, noon), id.NewKey(noon)
	h, d := id.NewWebhook(w, noon), id.NewDelivery(noon)
	for _, tt := range []struct {
		prefix, text string
		same         func(string) (bool, error)
	}{
		{"ws_", w.String(), func(s string) (bool, error) { got, err := id.ParseWorkspace(s); return got == w, err }},
		{"", a.String(), func(s string) (bool, error) { got, err := id.ParseAsset(s); return got == a, err }},
		{"prj_", p.String(), func(s string) (bool, error) { got, err := id.ParseProject(s); return got == p, err }},
		{"fld_", f.String(), func(s string) (bool, error) { got, err := id.ParseFolder(s); return got == f, err }},
		{"node_", n.String(), func(s string) (bool, error) { got, err := id.ParseNode(s); return got == n, err }},
		{"wh_", h.String(), func(s string) (bool, error) { got, err := id.ParseWebhook(s); return got == h, err }},
		{"", d.String(), func(s string) (bool, error) { got, err := id.ParseDelivery(s); return got == d, err }},
		{"key_", k.String(), func(s string) (bool, error) { got, err := id.ParseKey(s); return got == k, err }},
	} {
		if same, err := tt.same(tt.text); !same || err != nil || !strings.HasPrefix(tt.text, tt.prefix) || len(tt.text) != len(tt.prefix)+36 {
			t.Errorf("%q does not come back as itself: %v, %v", tt.text, same, err)
		}
		for _, bad := range []string{"x" + tt.text, tt.text + "x", strings.ToUpper(tt.text), "zz_" + strings.TrimPrefix(tt.text, tt.prefix), ""} {
			if _, err := tt.same(bad); !errors.Is(err, id.ErrSyntax) {
				t.Errorf("parsing %q gave %v, want ErrSyntax", bad, err)
			}
		}
	}
}

func TestTheDeliveryOfAnEventHasOneID(t *testing.T) {
	w := id.NewWorkspace(noon)
	h, other := id.NewWebhook(w, noon), id.NewWebhook(w, noon)
	d := id.DeliveryOf(h, "a:1", noon)
	if again := id.DeliveryOf(h, "a:1", noon); again != d {
		t.Errorf("the same event gave %s and %s", d, again)
	}
	if back, err := id.ParseDelivery(d.String()); err != nil || back != d || !d.Time().Equal(noon.Truncate(time.Millisecond)) {
		t.Errorf("%s comes back as %s of %v, %v", d, back, d.Time(), err)
	}
	seen := map[id.Delivery]bool{d: true, id.DeliveryOf(other, "a:1", noon): true}
	for i := range 2000 {
		seen[id.DeliveryOf(h, fmt.Sprint("b:", i), noon)] = true
	}
	if len(seen) != 2002 {
		t.Errorf("2,002 deliveries of one moment have %d ids", len(seen))
	}
	if later := id.DeliveryOf(h, "a:1", noon.Add(time.Millisecond)); later.String() <= d.String() {
		t.Errorf("a later event's %s does not sort after %s", later, d)
	}
}

func TestParseRefuses(t *testing.T) {
	good := id.New(noon).String()
	for _, tt := range []struct{ name, text string }{
		{"nothing", ""},
		{"without hyphens", strings.ReplaceAll(good, "-", "")},
		{"in braces", "{" + good + "}"},
		{"as a URN", "urn:uuid:" + good},
		{"in upper case", strings.ToUpper(strings.Replace(good, good[:1], "A", 1))},
		{"a hyphen in the wrong place", good[:7] + "-" + good[7:8] + good[9:]},
		{"a letter that is no digit", good[:35] + "g"},
		{"a sign", "+" + good[1:]},
		{"version 4", good[:14] + "4" + good[15:]},
		{"another variant", good[:19] + "c" + good[20:]},
		{"a path", "../" + good[3:]},
		{"a null character", good[:35] + "\x00"},
		{"all zeros", "00000000-0000-0000-0000-000000000000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if u, err := id.Parse(tt.text); !errors.Is(err, id.ErrSyntax) || u != (id.UUID{}) {
				t.Errorf("Parse(%q) = %v, %v, want nothing and ErrSyntax", tt.text, u, err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", id.New(noon).String(), id.Floor(noon).String(), strings.Repeat("-", 36), strings.Repeat("é", 18)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := id.Parse(s)
		if err == nil && u.String() != s {
			t.Errorf("Parse(%q) = %s: one thing has two names", s, u)
		}
		if err != nil && !errors.Is(err, id.ErrSyntax) {
			t.Errorf("Parse(%q) gave %v, want ErrSyntax", s, err)
		}
	})
}
