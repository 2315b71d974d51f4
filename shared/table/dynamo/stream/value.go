package stream

import (
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/table"
)

// attributes turns an item into the attributes of an event. Empty values are never nil: nil would travel as null, which the
// receiving side refuses.
func attributes(it table.Item) map[string]events.DynamoDBAttributeValue {
	out := make(map[string]events.DynamoDBAttributeValue, len(it))
	for name, v := range it {
		out[name] = attribute(v)
	}
	return out
}

func attribute(v table.Value) events.DynamoDBAttributeValue {
	switch v := v.(type) {
	case table.String:
		return events.NewStringAttribute(string(v))
	case table.Number:
		return events.NewNumberAttribute(string(v))
	case table.Bytes:
		return events.NewBinaryAttribute(append([]byte{}, v...))
	case table.Bool:
		return events.NewBooleanAttribute(bool(v))
	case table.List:
		out := make([]events.DynamoDBAttributeValue, len(v))
		for i, e := range v {
			out[i] = attribute(e)
		}
		return events.NewListAttribute(out)
	case table.Map:
		return events.NewMapAttribute(attributes(table.Item(v)))
	default: // table.Null
		return events.NewNullAttribute()
	}
}

// item turns the attributes of an event into an item; no attributes are no item.
func item(as map[string]events.DynamoDBAttributeValue) (table.Item, error) {
	if len(as) == 0 {
		return nil, nil
	}
	m, err := mapOf(as)
	return table.Item(m), err
}

func mapOf(as map[string]events.DynamoDBAttributeValue) (table.Map, error) {
	out := make(table.Map, len(as))
	for name, a := range as {
		v, err := value(a)
		if err != nil {
			return nil, fmt.Errorf("an attribute: %w", err)
		}
		out[name] = v
	}
	return out, nil
}

func value(a events.DynamoDBAttributeValue) (table.Value, error) {
	if a.IsNull() && a.DataType() != events.DataTypeNull {
		return nil, fmt.Errorf("has no value")
	}
	switch a.DataType() {
	case events.DataTypeString:
		return table.String(a.String()), nil
	case events.DataTypeNumber:
		n, err := table.NewNumber(a.Number())
		if err != nil {
			return nil, errors.New("is no number that the table keeps")
		}
		return n, nil
	case events.DataTypeBinary:
		return append(table.Bytes{}, a.Binary()...), nil
	case events.DataTypeBoolean:
		return table.Bool(a.Boolean()), nil
	case events.DataTypeNull:
		return table.Null{}, nil
	case events.DataTypeList:
		l := a.List()
		out := make(table.List, len(l))
		for i, e := range l {
			v, err := value(e)
			if err != nil {
				return nil, fmt.Errorf("element %d: %w", i, err)
			}
			out[i] = v
		}
		return out, nil
	case events.DataTypeMap:
		m, err := mapOf(a.Map())
		return m, err
	default:
		return nil, fmt.Errorf("is a set; the table holds none")
	}
}
