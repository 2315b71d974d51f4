package table

// Verb is what a Write does.
type Verb uint8

// The verbs.
const (
	VerbPut    Verb = iota + 1 // replace the whole item
	VerbUpdate                 // change some attributes of an existing item
	VerbDelete                 // remove the item
	VerbCheck                  // only hold the condition; meant for transactions
)

// Write is one conditional write; made by Put, Update, Delete and Check.
type Write struct {
	Verb  Verb
	Key   Key
	Item  Item   // for VerbPut
	Edits []Edit // for VerbUpdate
	If    Cond
}

// Put replaces the whole item under its key if the condition holds.
func Put(it Item, c Cond) Write { return Write{Verb: VerbPut, Key: it.Key(), Item: it, If: c} }

// Update changes attributes of an item that exists if the condition holds as well; an absent item is a lost condition.
func Update(k Key, c Cond, edits ...Edit) Write {
	return Write{Verb: VerbUpdate, Key: k, Edits: edits, If: c}
}

// Delete removes an item that exists if the condition holds as well; an absent item is a lost condition.
func Delete(k Key, c Cond) Write { return Write{Verb: VerbDelete, Key: k, If: c} }

// Check only holds a condition, for transactions. Alone it is a strongly consistent read, priced as one.
func Check(k Key, c Cond) Write { return Write{Verb: VerbCheck, Key: k, If: c} }

// EditOp is what an Edit does to an attribute.
type EditOp uint8

// The edits.
const (
	EditSet    EditOp = iota + 1 // give the attribute a value
	EditRemove                   // remove the attribute if it is there
	EditAdd                      // add a Number to the attribute; an absent one counts as 0
)

// Edit is one change of one attribute in an Update; made by Set, Remove and Add. An attribute may be edited once per write; the
// key attributes not at all.
type Edit struct {
	Op    EditOp
	Attr  string
	Value Value
}

// Set gives an attribute a value.
func Set(attr string, v Value) Edit { return Edit{EditSet, attr, v} }

// Remove removes an attribute.
func Remove(attr string) Edit { return Edit{Op: EditRemove, Attr: attr} }

// Add adds to a Number, atomically.
func Add(attr string, n Number) Edit { return Edit{EditAdd, attr, n} }

// CondOp is the operator of a condition.
type CondOp uint8

// The operators. The zero Cond is no condition at all and refused by the drivers.
const (
	OpAbsent  CondOp = iota + 1 // the item does not exist (or expired)
	OpPresent                   // the item exists
	OpEq                        // the item exists, has the attribute, and it equals the value
	OpNe                        // the item exists, and the attribute is absent or differs from the value
	OpLess                      // the item exists, has the attribute of the value's type, and it is less
	OpGreater                   // the same, greater
	OpHas                       // the item exists and has the attribute
	OpHasNot                    // the item exists and has not the attribute
	OpAll                       // every one of Kids holds
	OpAny                       // at least one of Kids holds
)

// Cond is a condition on the current item; made by Absent, Present, Eq, Ne, Less, Greater, Has, HasNot, All, Any.
type Cond struct {
	Op    CondOp
	Attr  string
	Value Value
	Kids  []Cond
}

// Absent holds when the item does not exist or has expired.
func Absent() Cond { return Cond{Op: OpAbsent} }

// Present holds when the item exists.
func Present() Cond { return Cond{Op: OpPresent} }

// Eq holds when the attribute is there and equals v.
func Eq(attr string, v Value) Cond { return Cond{Op: OpEq, Attr: attr, Value: v} }

// Ne holds when the item exists and the attribute is absent or differs from v.
func Ne(attr string, v Value) Cond { return Cond{Op: OpNe, Attr: attr, Value: v} }

// Less holds when the attribute is there, of v's type (String, Number or Bytes), and less than v.
func Less(attr string, v Value) Cond { return Cond{Op: OpLess, Attr: attr, Value: v} }

// Greater holds when the attribute is there, of v's type (String, Number or Bytes), and greater than v.
func Greater(attr string, v Value) Cond { return Cond{Op: OpGreater, Attr: attr, Value: v} }

// Has holds when the item exists and has the attribute.
func Has(attr string) Cond { return Cond{Op: OpHas, Attr: attr} }

// HasNot holds when the item exists and has not the attribute.
func HasNot(attr string) Cond { return Cond{Op: OpHasNot, Attr: attr} }

// All holds when every condition holds; it wants at least one.
func All(cs ...Cond) Cond { return Cond{Op: OpAll, Kids: cs} }

// Any holds when at least one condition holds; it wants at least one.
func Any(cs ...Cond) Cond { return Cond{Op: OpAny, Kids: cs} }
