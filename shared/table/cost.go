package table

// Sizes of DynamoDB's units.
const (
	writeUnit = 1024     // bytes of one write unit
	readUnit  = 4 * 1024 // bytes of one strongly consistent read unit
)

// WriteUnits is the price of writing an item of size bytes: one unit per KB begun, at least one.
func WriteUnits(size int) float64 { return float64(max(1, (size+writeUnit-1)/writeUnit)) }

// ReadUnits is the price of one read of size bytes: one unit per 4 KB begun, at least one; half for Eventual. A Get or each item
// of a BatchGet is rounded alone, the items of one Query page together.
func ReadUnits(size int, c Consistency) float64 {
	u := float64(max(1, (size+readUnit-1)/readUnit))
	if c == Eventual {
		return u / 2
	}
	return u
}

// ChangeUnits is the price of turning old into new (nil: absent) outside a transaction, with the entries of the indexes, which
// hold whole items: the larger of both sizes for the table; for an index nothing where neither its entry nor the item changed,
// the larger size where the entry stays under its keys, and a removal plus an insertion where the keys changed.
func ChangeUnits(old, new Item, indexes []Index) float64 {
	was, is := old.Size(), new.Size()
	units := WriteUnits(max(was, is))
	same := EqualItems(old, new)
	for _, ix := range indexes {
		before, inBefore := ix.KeyOf(old)
		after, inAfter := ix.KeyOf(new)
		switch {
		case same:
		case inBefore && inAfter && before == after:
			units += WriteUnits(max(was, is))
		default:
			if inBefore {
				units += WriteUnits(was)
			}
			if inAfter {
				units += WriteUnits(is)
			}
		}
	}
	return units
}

// LostUnits is the price of a single write whose condition did not hold: by the size of the item that is stored (an expired one
// too), one where there is none.
func LostUnits(stored Item) float64 { return WriteUnits(stored.Size()) }

// RefusedUnits is the price of a refused transaction: twice that of each write, counted by what the refusal tells. A lost
// condition counts its stored item, any other write the item it would put, else one unit. stored may hold nil.
func RefusedUnits(ws []Write, reasons []Reason, stored []Item) float64 {
	units := 0.0
	for i, w := range ws {
		size := w.Item.Size()
		if reasons[i] == ConditionLost {
			size = stored[i].Size()
		}
		units += 2 * WriteUnits(size)
	}
	return units
}

// KeyOf gives the item's keys in the index; in is false when the item is not in it.
func (ix Index) KeyOf(it Item) (k Key, in bool) {
	k = Key{it.Str(ix.PK), it.Str(ix.SK)}
	return k, k.PK != "" && k.SK != ""
}
