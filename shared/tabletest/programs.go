package tabletest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/table"
)

var programs atomic.Int64

// testPrograms runs random programs on the driver and on a map, and demands the same answers and the same feed.
func testPrograms(t *testing.T, open Open) {
	d := open(t, Options{Indexes: []table.Index{byColor}})
	w := &watcher{d: d}
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{t: rt, d: d, pk: fmt.Sprintf("program/%d/", programs.Add(1)), rows: map[table.Key]table.Item{}}
		steps := []func(){m.write, m.write, m.write, m.transact, m.get, m.batch, m.query, m.queryIndex}
		for range rapid.IntRange(1, 30).Draw(rt, "length") {
			steps[rapid.IntRange(0, len(steps)-1).Draw(rt, "step")]()
		}
		wantChanges(rt, w.of(rt, m.pk), m.feed...)
	})
}

// model is the table as a map, with expired items as stored.
type model struct {
	t    *rapid.T
	d    Driver
	pk   string
	rows map[table.Key]table.Item
	feed []images
}

func (m *model) live(k table.Key) table.Item {
	if n, ok := m.rows[k][table.AttrExpires].(table.Number); ok && n == longAgo {
		return nil
	}
	return m.rows[k]
}

const longAgo = table.Number("1000000000") // 2001; the only expiry in these programs besides one far ahead

func (m *model) key() table.Key {
	return table.Key{
		PK: m.pk + rapid.SampledFrom([]string{"p", "q"}).Draw(m.t, "pk"),
		SK: rapid.SampledFrom([]string{"a", "b", "b\x00", "c", "d"}).Draw(m.t, "sk"),
	}
}

func (m *model) value(attr string) table.Value {
	switch attr {
	case "n":
		return rapid.SampledFrom([]table.Value{table.Int(0), table.Int(-1), table.Number("2.5"), table.Int(10)}).Draw(m.t, "n")
	case "color":
		return table.String(m.pk + rapid.SampledFrom([]string{"red", "blue"}).Draw(m.t, "color"))
	case "rank":
		return table.String(rapid.SampledFrom([]string{"1", "2", "3"}).Draw(m.t, "rank"))
	case table.AttrExpires:
		return rapid.SampledFrom([]table.Value{longAgo, table.Number("99999999999"), table.Number("99999999999")}).Draw(m.t, "expires")
	}
	return rapid.SampledFrom([]table.Value{
		table.String(""), table.String("x"), table.Int(1), table.Bytes{}, table.Bytes("x"), table.Bool(true), table.Null{},
		table.List{}, table.List{table.Int(1)}, table.Map{}, table.Map{"k": table.List{table.Null{}}},
	}).Draw(m.t, "v")
}

var programAttrs = []string{"n", "v", "w", "color", "rank", table.AttrExpires}

func (m *model) someAttrs() []string {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(programAttrs), 0, 4, rapid.ID[string]).Draw(m.t, "attributes")
}

func (m *model) item(k table.Key) table.Item {
	it := row(k.PK, k.SK)
	for _, a := range m.someAttrs() {
		it[a] = m.value(a)
	}
	return it
}

func (m *model) cond(depth int) table.Cond {
	attr := rapid.SampledFrom(programAttrs).Draw(m.t, "condition on")
	switch n := rapid.IntRange(0, 9+2*depth).Draw(m.t, "condition"); n {
	case 0:
		return table.Absent()
	case 1:
		return table.Eq(attr, m.value(attr))
	case 2:
		return table.Ne(attr, m.value(attr))
	case 3:
		return table.Less("n", m.value("n"))
	case 4:
		return table.Greater("n", m.value("n"))
	case 5:
		return table.Has(attr)
	case 6:
		return table.HasNot(attr)
	case 7:
		return table.Present()
	case 8, 9:
		return always()
	default:
		kids := []table.Cond{m.cond(depth - 1), m.cond(depth - 1)}
		if n%2 == 0 {
			return table.All(kids...)
		}
		return table.Any(kids...)
	}
}

func (m *model) aWrite(k table.Key) table.Write {
	c := m.cond(2)
	switch rapid.IntRange(0, 6).Draw(m.t, "verb") {
	case 0:
		return table.Delete(k, c)
	case 1:
		return table.Check(k, c)
	case 2, 3, 4:
		edits := []table.Edit{table.Remove("none")}
		for _, a := range m.someAttrs() {
			edits = append(edits, m.edit(a))
		}
		return table.Update(k, c, edits...)
	}
	return table.Put(m.item(k), c)
}

func (m *model) edit(attr string) table.Edit {
	switch n := rapid.IntRange(0, 3).Draw(m.t, "edit"); {
	case n == 0:
		return table.Remove(attr)
	case attr == "n" && n < 3:
		return table.Add("n", m.value("n").(table.Number))
	}
	return table.Set(attr, m.value(attr))
}

// outcome works out what a write makes of the row it is for.
func (m *model) outcome(w table.Write) (after table.Item, holds bool) {
	current := m.live(w.Key)
	if !w.Allows(current) {
		return nil, false
	}
	switch w.Verb {
	case table.VerbPut:
		return w.Item, true
	case table.VerbUpdate:
		after, err := table.Apply(current, w.Edits)
		if err != nil {
			m.t.Fatalf("apply: %v", err)
		}
		return after, true
	case table.VerbCheck:
		return m.rows[w.Key], true
	}
	return nil, true
}

func (m *model) commit(k table.Key, after table.Item) {
	old := m.rows[k]
	if table.EqualItems(old, after) {
		return
	}
	m.feed = append(m.feed, images{old, after})
	if after == nil {
		delete(m.rows, k)
	} else {
		m.rows[k] = after
	}
}

func (m *model) write() {
	w := m.aWrite(m.key())
	after, holds := m.outcome(w)
	got, err := m.d.Write(context.Background(), w)
	if !holds {
		wantLost(m.t, err, m.live(w.Key))
		return
	}
	if err != nil {
		m.t.Fatalf("write %+v: %v", w, err)
	}
	if w.Verb == table.VerbCheck {
		wantItem(m.t, "answer", got, nil)
		return
	}
	wantItem(m.t, "answer", got, after)
	m.commit(w.Key, after)
}

func (m *model) transact() {
	var ws []table.Write
	var reasons []table.Reason
	var afters, currents []table.Item
	all := true
	for _, k := range rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) table.Key {
		return (&model{t: t, pk: m.pk}).key()
	}), 1, 4, rapid.ID[table.Key]).Draw(m.t, "keys") {
		w := m.aWrite(k)
		after, holds := m.outcome(w)
		reason, current := table.Held, table.Item(nil)
		if !holds {
			reason, current, all = table.ConditionLost, m.live(k), false
		}
		ws, reasons = append(ws, w), append(reasons, reason)
		afters, currents = append(afters, after), append(currents, current)
	}
	err := m.d.Transact(context.Background(), ws)
	if !all {
		wantRefused(m.t, err, reasons, currents)
		return
	}
	if err != nil {
		m.t.Fatalf("transaction %+v: %v", ws, err)
	}
	for i, w := range ws {
		m.commit(w.Key, afters[i])
	}
}

func (m *model) get() {
	k := m.key()
	got, err := m.d.Get(context.Background(), k, table.Strong)
	if err != nil && !errors.Is(err, table.ErrNotFound) {
		m.t.Fatalf("get %s: %v", k, err)
	}
	wantItem(m.t, "get", got, m.live(k))
}

func (m *model) batch() {
	a := m.key()
	b := table.Key{PK: a.PK, SK: a.SK + "!"}
	got, err := m.d.BatchGet(context.Background(), []table.Key{b, a}, table.Strong)
	if err != nil {
		m.t.Fatalf("batch get: %v", err)
	}
	wantItems(m.t, "batch get", got, []table.Item{nil, m.live(a)})
}

func (m *model) query() {
	q := table.Query{
		PK:         m.key().PK,
		From:       rapid.SampledFrom([]string{"", "a", "b", "b\x00", "bb"}).Draw(m.t, "from"),
		To:         rapid.SampledFrom([]string{"", "b\x00", "c", "d", "z"}).Draw(m.t, "to"),
		Limit:      rapid.IntRange(1, 6).Draw(m.t, "limit"),
		Descending: rapid.Bool().Draw(m.t, "descending"),
	}
	var want []table.Item
	for k := range m.rows {
		if it := m.live(k); it != nil && k.PK == q.PK && k.SK >= q.From && (q.To == "" || k.SK < q.To) {
			want = append(want, it)
		}
	}
	slices.SortFunc(want, func(a, b table.Item) int { return strings.Compare(a.Key().SK, b.Key().SK) })
	if q.Descending {
		slices.Reverse(want)
	}
	wantItems(m.t, fmt.Sprintf("%+v", q), walk(m.t, m.d, q), want)
}

func (m *model) queryIndex() {
	settle(m.t, m.d)
	color := m.value("color").(table.String)
	want := map[table.Key]table.Item{}
	for k := range m.rows {
		if it := m.live(k); it != nil && it["color"] == table.Value(color) && it.Str("rank") != "" {
			want[k] = it
		}
	}
	rank := ""
	got := walk(m.t, m.d, table.Query{Index: byColor.Name, PK: string(color), Limit: rapid.IntRange(1, 6).Draw(m.t, "limit")})
	for _, it := range got {
		wantItem(m.t, "index", it, want[it.Key()])
		if it.Str("rank") < rank {
			m.t.Fatalf("rank %q after %q", it.Str("rank"), rank)
		}
		rank = it.Str("rank")
	}
	if len(got) != len(want) {
		m.t.Fatalf("index: %d items, want %d", len(got), len(want))
	}
}
