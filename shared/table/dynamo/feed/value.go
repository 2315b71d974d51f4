package feed

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"github.com/assetry/assetry/shared/table"
)

// item turns a record's attributes into an item; no attributes are no item.
func item(as map[string]types.AttributeValue) (table.Item, error) {
	if len(as) == 0 {
		return nil, nil
	}
	m, err := mapOf(as)
	return table.Item(m), err
}

func mapOf(as map[string]types.AttributeValue) (table.Map, error) {
	out := make(table.Map, len(as))
	for name, a := range as {
		v, err := value(a)
		if err != nil {
			return nil, fmt.Errorf("attribute %q: %w", name, err)
		}
		out[name] = v
	}
	return out, nil
}

func value(a types.AttributeValue) (table.Value, error) {
	switch a := a.(type) {
	case *types.AttributeValueMemberS:
		return table.String(a.Value), nil
	case *types.AttributeValueMemberN:
		n, err := table.NewNumber(a.Value)
		return n, err
	case *types.AttributeValueMemberB:
		return append(table.Bytes{}, a.Value...), nil
	case *types.AttributeValueMemberBOOL:
		return table.Bool(a.Value), nil
	case *types.AttributeValueMemberNULL:
		return table.Null{}, nil
	case *types.AttributeValueMemberL:
		out := make(table.List, len(a.Value))
		for i, e := range a.Value {
			v, err := value(e)
			if err != nil {
				return nil, fmt.Errorf("element %d: %w", i, err)
			}
			out[i] = v
		}
		return out, nil
	case *types.AttributeValueMemberM:
		m, err := mapOf(a.Value)
		return m, err
	default:
		return nil, fmt.Errorf("a %T is stored; the table holds no sets", a)
	}
}
