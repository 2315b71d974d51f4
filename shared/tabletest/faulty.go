package tabletest

import (
	"context"
	"sync"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/table"
)

// Verbs of the calls that a FaultyTable counts. A Write is counted by what it does.
const (
	VerbGet      = "get"
	VerbBatchGet = "batch get"
	VerbPut      = "put"
	VerbUpdate   = "update"
	VerbDelete   = "delete"
	VerbCheck    = "check"
	VerbTransact = "transact"
	VerbQuery    = "query"
)

// Call is one call of a FaultyTable, as its script sees it.
type Call struct {
	Verb  string      // one of the Verb constants
	Nth   int         // counts the calls of this verb from 1
	Keys  []table.Key // the items it names; for a query its partition alone
	Write bool        // it may change something
}

// Fault is what befalls a call.
type Fault uint8

// The faults. The zero value is none.
const (
	None       Fault = iota
	Throttle         // refused with fault.Throttled; nothing reached the store
	LoseCall         // timed out on the way there: fault.Unavailable, nothing was written
	LoseAnswer       // done by the store, then timed out on the way back: fault.Unavailable although it may be written
)

// FaultyTable is a table in front of a real one whose calls fail as a script says. Safe for concurrent use; the script is asked
// by one call at a time.
type FaultyTable struct {
	inner table.Table

	mu     sync.Mutex
	script func(Call) Fault
	counts map[string]int
}

var _ table.Table = (*FaultyTable)(nil)

// Faulty puts a FaultyTable without faults in front of a table.
func Faulty(inner table.Table) *FaultyTable {
	return &FaultyTable{inner: inner, counts: map[string]int{}}
}

// Script sets what decides about each call from now on; nil lets all pass.
func (f *FaultyTable) Script(script func(Call) Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.script = script
}

// FailNth makes the nth call of a verb, counted from now, meet a fault, and no other.
func (f *FaultyTable) FailNth(verb string, nth int, with Fault) {
	from := f.Calls(verb)
	f.Script(func(c Call) Fault {
		if c.Verb == verb && c.Nth == from+nth {
			return with
		}
		return None
	})
}

// Calls gives how many calls of a verb were made so far, failed ones too; "" counts all.
func (f *FaultyTable) Calls(verb string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if verb != "" {
		return f.counts[verb]
	}
	sum := 0
	for _, n := range f.counts {
		sum += n
	}
	return sum
}

// meet counts a call and asks the script about it.
func (f *FaultyTable) meet(c Call) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[c.Verb]++
	c.Nth = f.counts[c.Verb]
	if f.script == nil {
		return None
	}
	return f.script(c)
}

// through does a call under the fault that befalls it.
func through[T any](f *FaultyTable, c Call, call func() (T, error)) (T, error) {
	var none T
	switch f.meet(c) {
	case Throttle:
		return none, fault.New(fault.Throttled, "the table takes no more requests for now (injected); wait and repeat")
	case LoseCall:
		return none, fault.New(fault.Unavailable, "the table did not answer (injected)")
	case LoseAnswer:
		_, err := call()
		return none, fault.Wrap(err, fault.Unavailable, "the table did not answer (injected)")
	default:
		return call()
	}
}

// Get reads one item through the script.
func (f *FaultyTable) Get(ctx context.Context, k table.Key, c table.Consistency) (table.Item, error) {
	return through(f, Call{Verb: VerbGet, Keys: []table.Key{k}}, func() (table.Item, error) { return f.inner.Get(ctx, k, c) })
}

// BatchGet reads items through the script.
func (f *FaultyTable) BatchGet(ctx context.Context, ks []table.Key, c table.Consistency) ([]table.Item, error) {
	return through(f, Call{Verb: VerbBatchGet, Keys: ks}, func() ([]table.Item, error) { return f.inner.BatchGet(ctx, ks, c) })
}

// Write writes through the script.
func (f *FaultyTable) Write(ctx context.Context, w table.Write) (table.Item, error) {
	verb := map[table.Verb]string{
		table.VerbPut: VerbPut, table.VerbUpdate: VerbUpdate, table.VerbDelete: VerbDelete, table.VerbCheck: VerbCheck,
	}[w.Verb]
	c := Call{Verb: verb, Keys: []table.Key{w.Key}, Write: w.Verb != table.VerbCheck}
	return through(f, c, func() (table.Item, error) { return f.inner.Write(ctx, w) })
}

// Transact writes through the script.
func (f *FaultyTable) Transact(ctx context.Context, ws []table.Write) error {
	c := Call{Verb: VerbTransact, Write: true}
	for _, w := range ws {
		c.Keys = append(c.Keys, w.Key)
	}
	_, err := through(f, c, func() (struct{}, error) { return struct{}{}, f.inner.Transact(ctx, ws) })
	return err
}

// Query reads a page through the script.
func (f *FaultyTable) Query(ctx context.Context, q table.Query) (table.Page, error) {
	return through(f, Call{Verb: VerbQuery, Keys: []table.Key{{PK: q.PK}}}, func() (table.Page, error) { return f.inner.Query(ctx, q) })
}
