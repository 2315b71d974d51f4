package dynamo

import (
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/assetry/assetry/shared/table"
)

// expression collects the names (#a0, #a1, ...) and values (:v0, :v1, ...) that the expressions of one request stand for.
type expression struct {
	now          time.Time
	placeholders map[string]string // attribute to #aN
	names        map[string]string
	values       map[string]types.AttributeValue
}

func newExpression(now time.Time) *expression {
	return &expression{now: now, placeholders: map[string]string{}, names: map[string]string{}}
}

func (x *expression) name(attr string) string {
	if p, ok := x.placeholders[attr]; ok {
		return p
	}
	p := "#a" + strconv.Itoa(len(x.names))
	x.placeholders[attr] = p
	x.names[p] = attr
	return p
}

func (x *expression) value(v table.Value) string {
	if x.values == nil { // DynamoDB refuses an empty map, so there is one only once it has a value
		x.values = map[string]types.AttributeValue{}
	}
	p := ":v" + strconv.Itoa(len(x.values))
	x.values[p] = attribute(v)
	return p
}

// condition spells when w may happen. What a condition says of an absent item is known without looking, so the expression is
// "absent, or ..." where it holds there and "there, and ..." where it does not; an expired item is absent.
func (x *expression) condition(w table.Write) *string {
	var s string
	if w.Allows(nil) {
		s = x.absent()
		if w.If.Op != table.OpAbsent {
			s += " OR " + x.onItem(w.If)
		}
	} else {
		s = x.live()
		if w.If.Op != table.OpPresent {
			s += " AND " + x.onItem(w.If)
		}
	}
	return &s
}

func (x *expression) absent() string {
	return "attribute_not_exists(" + x.name(table.AttrPK) + ") OR " + x.expired()
}

func (x *expression) live() string {
	return "attribute_exists(" + x.name(table.AttrPK) + ") AND (attribute_not_exists(" + x.name(table.AttrExpires) + ") OR NOT " + x.expired() + ")"
}

func (x *expression) expired() string {
	return x.name(table.AttrExpires) + " <= " + x.value(table.Int(x.now.Unix()))
}

// onItem spells the condition for an item that is there and live.
func (x *expression) onItem(c table.Cond) string {
	switch c.Op {
	case table.OpAbsent: // never, on such an item
		return "attribute_not_exists(" + x.name(table.AttrPK) + ")"
	case table.OpPresent: // always
		return "attribute_exists(" + x.name(table.AttrPK) + ")"
	case table.OpEq:
		return x.name(c.Attr) + " = " + x.value(c.Value)
	case table.OpNe:
		return "(attribute_not_exists(" + x.name(c.Attr) + ") OR " + x.name(c.Attr) + " <> " + x.value(c.Value) + ")"
	case table.OpLess:
		return x.name(c.Attr) + " < " + x.value(c.Value)
	case table.OpGreater:
		return x.name(c.Attr) + " > " + x.value(c.Value)
	case table.OpHas:
		return "attribute_exists(" + x.name(c.Attr) + ")"
	case table.OpHasNot:
		return "attribute_not_exists(" + x.name(c.Attr) + ")"
	case table.OpAll:
		return x.join(c.Kids, " AND ")
	default: // table.OpAny; Validate let no other through
		return x.join(c.Kids, " OR ")
	}
}

func (x *expression) join(cs []table.Cond, op string) string {
	if len(cs) == 1 {
		return x.onItem(cs[0])
	}
	parts := make([]string, len(cs))
	for i, c := range cs {
		parts[i] = x.onItem(c)
	}
	return "(" + strings.Join(parts, op) + ")"
}

// update spells the edits.
func (x *expression) update(es []table.Edit) *string {
	var set, remove, add []string
	for _, e := range es {
		n := x.name(e.Attr)
		switch e.Op {
		case table.EditSet:
			set = append(set, n+" = "+x.value(e.Value))
		case table.EditRemove:
			remove = append(remove, n)
		default: // table.EditAdd
			add = append(add, n+" "+x.value(e.Value))
		}
	}
	var clauses []string
	for _, c := range []struct {
		verb  string
		parts []string
	}{{"SET ", set}, {"REMOVE ", remove}, {"ADD ", add}} {
		if len(c.parts) > 0 {
			clauses = append(clauses, c.verb+strings.Join(c.parts, ", "))
		}
	}
	s := strings.Join(clauses, " ")
	return &s
}
