package schema

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/table"
)

// Attributes of the work on an order, beside Workspace, Attempt, Hop, Worker and LeaseUntil. Version counts the runs that were asked for.
const (
	AskAfter   = "ask_after"  // Number: Unix milliseconds before which nobody needs to ask for a worker again
	Tries      = "tries"      // Number: how often a worker began where the work stands now
	LastStep   = "step"       // String: name of the last step that is done; absent: none is
	Planned    = "planned"    // Number: deliverables of the steps that are done
	Made       = "made"       // Number: deliverables that are registered
	Checkpoint = "checkpoint" // String: object version of what the present step left to go on from
	EndedAt    = "ended_at"   // Number: Unix milliseconds at which the attempt ended
	Waits      = "waits"      // Bool: it waits for a place
)

const (
	workPrefix = "work#"
	workSK     = "work"
)

// WorkKey is the row of the work on an order.
func WorkKey(o id.Order) table.Key { return table.Key{PK: workPrefix + o.String(), SK: workSK} }

// ParseWorkKey reads WorkKey back; ok is false for rows of any other kind, also for a key that WorkKey would spell differently.
func ParseWorkKey(k table.Key) (o id.Order, ok bool) {
	text, found := strings.CutPrefix(k.PK, workPrefix)
	if !found {
		return o, false
	}
	o, err := id.ParseOrder(text)
	return o, err == nil && WorkKey(o) == k
}

// MakingPrefix begins the sort keys of the assets that are announced as deliverables, and not yet registered as such.
const MakingPrefix = "making#"

// MakingKey is the row of an asset that an attempt at an order is making.
func MakingKey(o id.Order, attempt int, a id.Asset) table.Key {
	return table.Key{PK: OrderParts(o), SK: MakingPrefix + strconv.Itoa(attempt) + "#" + a.String()}
}

// ParseMade reads attempt and asset from the key of a deliverable, or of an asset that is being made.
func ParseMade(k table.Key) (attempt int, a id.Asset, ok bool) {
	kind, rest, _ := strings.Cut(k.SK, "#")
	n, text, _ := strings.Cut(rest, "#")
	attempt, err := strconv.Atoi(n)
	if err != nil || kind+"#" != DeliverablePrefix && kind+"#" != MakingPrefix {
		return 0, a, false
	}
	a, err = id.ParseAsset(text)
	return attempt, a, err == nil
}

// SlotPrefix begins the sort keys of the places for work of a workspace.
const SlotPrefix = "slot#"

// SlotKey is the row of one place, counted from 0: who holds it is in work.
func SlotKey(w id.Workspace, n int) table.Key {
	return table.Key{PK: w.String(), SK: SlotPrefix + fmt.Sprintf("%03d", n)}
}

// ParseSlot reads the number of a place from its sort key.
func ParseSlot(sk string) (n int, ok bool) {
	text, found := strings.CutPrefix(sk, SlotPrefix)
	n, err := strconv.Atoi(text)
	return n, found && err == nil
}

// WaitPartition lists the orders of a workspace that wait for a place.
func WaitPartition(w id.Workspace) string { return w.String() + "#wait" }

// WaitKey is the row of an order that waits for a place.
func WaitKey(w id.Workspace, o id.Order) table.Key {
	return table.Key{PK: WaitPartition(w), SK: o.String()}
}
