package table

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/assetry/assetry/shared/fault"
)

// Further limits shared by both drivers.
const (
	MaxPKSize       = 2048    // bytes of a partition key (DynamoDB's)
	MaxSKSize       = 1024    // bytes of a sort key (DynamoDB's)
	MaxNameSize     = 65535   // bytes of an attribute's name (DynamoDB's)
	MaxTransactSize = 4 << 20 // bytes of all items and values in one transaction (DynamoDB's 4 MB)
	MaxConds        = 50      // conditions in one write, All and Any counted too; keeps expressions under DynamoDB's 4 KB
	MaxEdits        = 100     // edits in one update; the same reason
)

// Validate refuses a write that no driver takes, as fault.Invalid. Drivers call it before anything else, so both refuse alike.
func Validate(w Write) error {
	if err := ValidateKey(w.Key); err != nil {
		return err
	}
	if w.Verb < VerbPut || w.Verb > VerbCheck {
		return fault.BadField("verb", "verb %d is none of Put, Update, Delete and Check", w.Verb)
	}
	count := 0
	if err := validateCond(w.If, &count); err != nil {
		return err
	}
	switch w.Verb {
	case VerbPut:
		return validatePut(w)
	case VerbUpdate:
		return validateEdits(w.Edits)
	}
	return nil
}

// ValidateTransact refuses transactions of no or too many writes, of two writes on one item, of too many bytes, and of a write
// that Validate refuses; all as fault.Invalid.
func ValidateTransact(ws []Write) error {
	if len(ws) == 0 || len(ws) > MaxTransact {
		return fault.BadField("writes", "a transaction of %d writes; 1 to %d are allowed", len(ws), MaxTransact)
	}
	seen := make(map[Key]int, len(ws))
	total := 0
	for i, w := range ws {
		if err := Validate(w); err != nil {
			return fmt.Errorf("write %d of the transaction: %w", i, err)
		}
		if first, ok := seen[w.Key]; ok {
			return fault.BadField("writes", "writes %d and %d are both on %s; a transaction takes one write per item", first, i, w.Key)
		}
		seen[w.Key] = i
		total += w.Item.Size()
		for _, e := range w.Edits {
			total += len(e.Attr) + sizeOf(e.Value)
		}
	}
	if total > MaxTransactSize {
		return fault.BadField("writes", "a transaction of %d bytes; at most %d are allowed", total, MaxTransactSize)
	}
	return nil
}

// ValidateKeys refuses, as fault.Invalid, more than MaxBatchGet keys, bad keys, and a key that appears twice.
func ValidateKeys(ks []Key) error {
	if len(ks) > MaxBatchGet {
		return fault.BadField("keys", "%d keys in one read; at most %d are allowed", len(ks), MaxBatchGet)
	}
	seen := make(map[Key]bool, len(ks))
	for _, k := range ks {
		if err := ValidateKey(k); err != nil {
			return err
		}
		if seen[k] {
			return fault.BadField("keys", "%s is asked for twice; ask once", k)
		}
		seen[k] = true
	}
	return nil
}

// ValidateKey refuses, as fault.Invalid, keys that are empty, too long or not UTF-8.
func ValidateKey(k Key) error {
	if err := validateKeyText(AttrPK, k.PK, MaxPKSize); err != nil {
		return err
	}
	return validateKeyText(AttrSK, k.SK, MaxSKSize)
}

func validateKeyText(name, s string, limit int) error {
	if s == "" {
		return fault.BadField(name, "is empty; 1 to %d bytes are allowed", limit)
	}
	return validateBound(name, s, limit)
}

// validateBound is for texts that may be empty: the ends of a range.
func validateBound(name, s string, limit int) error {
	if len(s) > limit {
		return fault.BadField(name, "has %d bytes; at most %d are allowed", len(s), limit)
	}
	if !utf8.ValidString(s) {
		return fault.BadField(name, "is not valid UTF-8: %.60q", s)
	}
	return nil
}

// ValidateQuery refuses, as fault.Invalid, queries without a partition, with a limit outside 1 to MaxQuery, with bad ends, and
// positions that cannot have come from the same query. A range whose From is not below its To is valid and empty.
func ValidateQuery(q Query) error {
	if err := validateKeyText(AttrPK, q.PK, MaxPKSize); err != nil {
		return err
	}
	if q.Limit < 1 || q.Limit > MaxQuery {
		return fault.BadField("limit", "%d items in one page; 1 to %d are allowed", q.Limit, MaxQuery)
	}
	if err := validateBound("from", q.From, MaxSKSize); err != nil {
		return err
	}
	if err := validateBound("to", q.To, MaxSKSize); err != nil {
		return err
	}
	if q.After == nil || q.Empty() {
		return nil
	}
	return validatePos(q)
}

func validatePos(q Query) error {
	if err := ValidateKey(q.After.Key); err != nil {
		return err
	}
	at := q.After.Key.SK
	if q.Index != "" {
		at = q.After.IndexSK
		if err := validateKeyText("after", at, MaxSKSize); err != nil {
			return err
		}
	} else if q.After.Key.PK != q.PK {
		return fault.BadField("after", "is a position in partition %q; the query reads %q", q.After.Key.PK, q.PK)
	}
	if at < q.From || (q.To != "" && at >= q.To) {
		return fault.BadField("after", "position %q is outside the range from %q to %q", at, q.From, q.To)
	}
	return nil
}

// Empty says that no sort key can lie in the query's range.
func (q Query) Empty() bool { return q.To != "" && q.From >= q.To }

func validatePut(w Write) error {
	if w.Key != w.Item.Key() {
		return fault.BadField(AttrPK, "the item's key attributes name %s, the write names %s", w.Item.Key(), w.Key)
	}
	return ValidateItem(w.Item)
}

// ValidateItem refuses, as fault.Invalid, items without proper keys, over MaxItemSize, or with a value no driver stores. Drivers
// call it again on the outcome of an update.
func ValidateItem(it Item) error {
	if err := ValidateKey(it.Key()); err != nil {
		return err
	}
	for name, v := range it {
		if err := validateAttr(name, v); err != nil {
			return err
		}
	}
	if n := it.Size(); n > MaxItemSize {
		return fault.BadField("item", "%s has %d bytes; at most %d are allowed", it.Key(), n, MaxItemSize)
	}
	return nil
}

// ValidateIndexed refuses, as fault.Invalid, items in which an attribute that is a key of an index is there but cannot be one:
// it must be a String, not empty, of at most MaxPKSize or MaxSKSize bytes. An item that should not be in an index leaves it out.
func ValidateIndexed(it Item, indexes []Index) error {
	for _, ix := range indexes {
		if err := validateIndexKey(it, ix.Name, ix.PK, MaxPKSize); err != nil {
			return err
		}
		if err := validateIndexKey(it, ix.Name, ix.SK, MaxSKSize); err != nil {
			return err
		}
	}
	return nil
}

func validateIndexKey(it Item, index, attr string, limit int) error {
	v, there := it[attr]
	if !there {
		return nil
	}
	s, ok := v.(String)
	if !ok || s == "" || len(s) > limit {
		return fault.BadField(attr, "is a key of index %s and must be a string of 1 to %d bytes, or be left out", index, limit)
	}
	return nil
}

func validateEdits(es []Edit) error {
	if len(es) == 0 || len(es) > MaxEdits {
		return fault.BadField("edits", "an update of %d edits; 1 to %d are allowed", len(es), MaxEdits)
	}
	seen := make(map[string]bool, len(es))
	for _, e := range es {
		if seen[e.Attr] {
			return fault.BadField(e.Attr, "is edited twice; one edit per attribute is allowed")
		}
		seen[e.Attr] = true
		if err := validateEdit(e); err != nil {
			return err
		}
	}
	return nil
}

func validateEdit(e Edit) error {
	if e.Attr == AttrPK || e.Attr == AttrSK {
		return fault.BadField(e.Attr, "is a key attribute and cannot be edited; put another item")
	}
	switch e.Op {
	case EditSet:
		return validateAttr(e.Attr, e.Value)
	case EditRemove:
		return validateName(e.Attr)
	case EditAdd:
		if _, ok := e.Value.(Number); !ok {
			return fault.BadField(e.Attr, "only a Number can be added, this is %s", typeName(e.Value))
		}
		return validateAttr(e.Attr, e.Value)
	default:
		return fault.BadField(e.Attr, "edit %d is none of Set, Remove and Add", e.Op)
	}
}

func validateCond(c Cond, count *int) error {
	if *count++; *count > MaxConds {
		return fault.BadField("condition", "has more than %d parts", MaxConds)
	}
	switch c.Op {
	case OpAbsent, OpPresent:
		return nil
	case OpHas, OpHasNot:
		return validateName(c.Attr)
	case OpEq, OpNe:
		return validateAttr(c.Attr, c.Value)
	case OpLess, OpGreater:
		switch c.Value.(type) {
		case String, Number, Bytes:
			return validateAttr(c.Attr, c.Value)
		}
		return fault.BadField(c.Attr, "only a String, Number or Bytes can be less or greater, this is %s", typeName(c.Value))
	case OpAll, OpAny:
		if len(c.Kids) == 0 {
			return fault.BadField("condition", "All and Any want at least one condition")
		}
		for _, k := range c.Kids {
			if err := validateCond(k, count); err != nil {
				return err
			}
		}
		return nil
	case 0:
		return fault.BadField("condition", "is missing; every write carries one (Absent, Present, Eq, ...)")
	default:
		return fault.BadField("condition", "operator %d does not exist", c.Op)
	}
}

func validateName(name string) error {
	switch {
	case name == "":
		return fault.BadField("attribute", "its name is empty; 1 to %d bytes are allowed", MaxNameSize)
	case len(name) > MaxNameSize:
		return fault.BadField("attribute", "its name has %d bytes; at most %d are allowed", len(name), MaxNameSize)
	case !utf8.ValidString(name):
		return fault.BadField("attribute", "its name is not valid UTF-8: %.60q", name)
	}
	return nil
}

func validateAttr(name string, v Value) error {
	if err := validateName(name); err != nil {
		return err
	}
	if why := valueFlaw(v, 0); why != "" {
		return fault.BadField(name, "%s", why)
	}
	return nil
}

// valueFlaw says what is wrong with a value inside depth lists and maps; "" when nothing is.
func valueFlaw(v Value, depth int) string {
	switch v := v.(type) {
	case String:
		if !utf8.ValidString(string(v)) {
			return fmt.Sprintf("is not valid UTF-8 (%.60q); use Bytes", string(v))
		}
	case Number:
		return numberFlaw(v)
	case Bytes, Bool, Null:
	case List:
		if depth == MaxDepth {
			return fmt.Sprintf("nests more than %d lists and maps", MaxDepth)
		}
		for _, e := range v {
			if why := valueFlaw(e, depth+1); why != "" {
				return why
			}
		}
	case Map:
		if depth == MaxDepth {
			return fmt.Sprintf("nests more than %d lists and maps", MaxDepth)
		}
		for name, e := range v {
			if err := validateName(name); err != nil {
				return "holds a map in which " + strings.TrimPrefix(err.(*fault.Error).Message, "attribute: ")
			}
			if why := valueFlaw(e, depth+1); why != "" {
				return why
			}
		}
	default:
		return fmt.Sprintf("is %s; a value is a String, Number, Bytes, Bool, Null, List or Map", typeName(v))
	}
	return ""
}

func numberFlaw(n Number) string {
	canonical, err := NewNumber(string(n))
	if err != nil {
		return fmt.Sprintf("%v; make numbers with NewNumber or Int", err)
	}
	if canonical != n {
		return fmt.Sprintf("number %.60q is not in canonical form (%s); make numbers with NewNumber or Int", string(n), canonical)
	}
	return ""
}

func typeName(v Value) string {
	if v == nil {
		return "nil"
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", v), "table.")
}
