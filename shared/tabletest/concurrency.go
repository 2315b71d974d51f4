package tabletest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/table"
)

// racers is how many writers race in every test of this file.
const racers = 16

func testConcurrency(t *testing.T, open Open) {
	d := open(t, Options{})
	t.Run("one of 16 creates an item, the others get its item", func(t *testing.T) { oneCreates(t, d) })
	t.Run("one of 16 moves a version on", func(t *testing.T) { oneMoves(t, d) })
	t.Run("no addition is lost", func(t *testing.T) { noAdditionLost(t, d) })
	t.Run("no read-modify-write under a version is lost", func(t *testing.T) { noVersionLost(t, d) })
	t.Run("contending transactions keep the sum", func(t *testing.T) { sumKept(t, d) })
	t.Run("a reader never sees a version go back", func(t *testing.T) { versionsRise(t, d) })
}

// race runs f for 0..racers-1 at once and waits for all.
func race(f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range racers {
		wg.Go(func() { <-start; f(i) })
	}
	close(start)
	wg.Wait()
}

func oneCreates(t *testing.T, d Driver) {
	for round := range 5 {
		pk := fmt.Sprint("create/", round)
		var winners atomic.Int32
		currents := make([]table.Item, racers)
		race(func(i int) {
			_, err := d.Write(context.Background(), table.Put(row(pk, "a", "who", table.Int(int64(i))), table.Absent()))
			current, lost := table.Lost(err)
			switch {
			case err == nil:
				winners.Add(1)
			case lost:
				currents[i] = current
			default:
				t.Errorf("racer %d: %v", i, err)
			}
		})
		stored := mustGet(t, d, table.Key{PK: pk, SK: "a"})
		if winners.Load() != 1 {
			t.Fatalf("%d winners", winners.Load())
		}
		for i, c := range currents {
			if int64(i) != stored.Int("who") {
				wantItem(t, fmt.Sprintf("what loser %d was told", i), c, stored)
			}
		}
	}
}

func oneMoves(t *testing.T, d Driver) {
	it := row("move", "a", "v", table.Int(1))
	mustPut(t, d, it)
	var winners atomic.Int32
	race(func(i int) {
		_, err := d.Write(context.Background(), table.Update(it.Key(), table.Eq("v", table.Int(1)), table.Set("v", table.Int(2))))
		if err == nil {
			winners.Add(1)
		} else if _, lost := table.Lost(err); !lost {
			t.Errorf("racer %d: %v", i, err)
		}
	})
	if winners.Load() != 1 {
		t.Fatalf("%d winners", winners.Load())
	}
}

func noAdditionLost(t *testing.T, d Driver) {
	it := row("add", "a")
	mustPut(t, d, it)
	race(func(int) {
		for range 10 {
			if _, err := d.Write(context.Background(), table.Update(it.Key(), table.Present(), table.Add("n", "0.5"))); err != nil {
				t.Error(err)
			}
		}
	})
	wantStored(t, d, it.Key(), with(it, "n", table.Int(racers*10/2)))
}

func noVersionLost(t *testing.T, d Driver) {
	it := row("versions", "a", "v", table.Int(0), "n", table.Int(0))
	mustPut(t, d, it)
	race(func(i int) {
		for range 5 {
			bump(t, d, it.Key())
		}
	})
	wantStored(t, d, it.Key(), with(it, "v", table.Int(racers*5), "n", table.Int(racers*5)))
}

// bump adds one by reading and writing under the version, starting over from what the winner left.
func bump(t *testing.T, d Driver, k table.Key) {
	ctx := context.Background()
	cur, err := d.Get(ctx, k, table.Strong)
	for err == nil {
		var lost bool
		_, err = d.Write(ctx, table.Update(k, table.Eq("v", cur["v"]),
			table.Set("v", table.Int(cur.Int("v")+1)), table.Set("n", table.Int(cur.Int("n")+1))))
		if err == nil {
			return
		}
		if cur, lost = table.Lost(err); lost {
			err = nil
		}
	}
	t.Error(err)
}

// sumKept moves amounts between four accounts; each move is two additions in one transaction.
func sumKept(t *testing.T, d Driver) {
	keys := make([]table.Key, 4)
	for i := range keys {
		it := row("accounts", fmt.Sprint(i), "n", table.Int(100))
		keys[i] = it.Key()
		mustPut(t, d, it)
	}
	var moved atomic.Int64
	race(func(i int) {
		for j := range 5 {
			from, to := keys[(i+j)%4], keys[(i+j+1+i%3)%4]
			ws := []table.Write{
				table.Update(from, table.Present(), table.Add("n", table.Int(-1))),
				table.Update(to, table.Present(), table.Add("n", table.Int(1)), table.Add("moves", table.Int(1))),
			}
			if persist(t, d, ws) {
				moved.Add(1)
			}
		}
	})
	sum, moves := int64(0), int64(0)
	for _, k := range keys {
		it := mustGet(t, d, k)
		sum += it.Int("n")
		moves += it.Int("moves")
	}
	if sum != 400 || moves != moved.Load() || moves != racers*5 {
		t.Errorf("sum %d, want 400; %d moves stored, %d answered, want %d", sum, moves, moved.Load(), racers*5)
	}
}

// persist repeats a transaction while others contend for its items or the store is throttled.
func persist(t *testing.T, d Driver, ws []table.Write) bool {
	for range 1000 {
		err := d.Transact(context.Background(), ws)
		if err == nil {
			return true
		}
		if e := table.Refused(err); e != nil {
			for i, r := range e.Reasons {
				if r == table.ConditionLost {
					t.Errorf("write %d lost its condition: %v", i, err)
					return false
				}
			}
		} else if !fault.Is(err, fault.Throttled) {
			t.Error(err)
			return false
		}
	}
	t.Error("a transaction never got through")
	return false
}

func versionsRise(t *testing.T, d Driver) {
	it := row("rise", "a", "v", table.Int(0))
	mustPut(t, d, it)
	race(func(i int) {
		seen := int64(0)
		for range 10 {
			if i == 0 {
				mustAdd(t, d, it.Key())
				continue
			}
			got, err := d.Get(context.Background(), it.Key(), table.Strong)
			if err != nil || got.Int("v") < seen {
				t.Errorf("got %v after version %d, %v", got, seen, err)
			}
			seen = got.Int("v")
		}
	})
}

func mustAdd(t *testing.T, d Driver, k table.Key) {
	if _, err := d.Write(context.Background(), table.Update(k, table.Present(), table.Add("v", table.Int(1)))); err != nil {
		t.Error(err)
	}
}
