package table

import (
	"bytes"
	"strings"
	"time"
)

// Holds says whether the condition holds on an item; nil is an absent one. An expired item is to be passed as nil, see Live.
func (c Cond) Holds(it Item) bool {
	switch c.Op {
	case OpAbsent:
		return it == nil
	case OpAll:
		for _, k := range c.Kids {
			if !k.Holds(it) {
				return false
			}
		}
		return len(c.Kids) > 0
	case OpAny:
		for _, k := range c.Kids {
			if k.Holds(it) {
				return true
			}
		}
		return false
	}
	return it != nil && c.holdsOn(it)
}

// holdsOn is Holds for the operators that want an item.
func (c Cond) holdsOn(it Item) bool {
	v, there := it[c.Attr]
	switch c.Op {
	case OpPresent:
		return true
	case OpHas:
		return there
	case OpHasNot:
		return !there
	case OpEq:
		return there && Equal(v, c.Value)
	case OpNe:
		return !there || !Equal(v, c.Value)
	case OpLess:
		n, ok := compare(v, c.Value)
		return ok && n < 0
	case OpGreater:
		n, ok := compare(v, c.Value)
		return ok && n > 0
	}
	return false
}

// compare orders two values of one ordered type: Strings and Bytes bytewise, Numbers by value.
func compare(a, b Value) (int, bool) {
	switch a := a.(type) {
	case String:
		b, ok := b.(String)
		return strings.Compare(string(a), string(b)), ok
	case Number:
		b, ok := b.(Number)
		return a.Cmp(b), ok
	case Bytes:
		b, ok := b.(Bytes)
		return bytes.Compare(a, b), ok
	}
	return 0, false
}

// Allows says whether the write may happen on the item as it is (nil when absent): its condition holds and, for updates and
// deletes, the item exists.
func (w Write) Allows(it Item) bool {
	if it == nil && (w.Verb == VerbUpdate || w.Verb == VerbDelete) {
		return false
	}
	return w.If.Holds(it)
}

// Expired says whether the item counts as absent at now: its AttrExpires is a Number of Unix seconds at or before it.
func (it Item) Expired(now time.Time) bool {
	n, ok := it[AttrExpires].(Number)
	return ok && n.Cmp(Int(now.Unix())) <= 0
}

// Live is the item, or nil if it is absent or expired at now.
func Live(it Item, now time.Time) Item {
	if it.Expired(now) {
		return nil
	}
	return it
}
