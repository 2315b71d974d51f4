package dynamo

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/assetry/assetry/shared/table"
)

// attributes turns an item into DynamoDB's attributes; the item must have passed table.Validate.
func attributes(it table.Item) map[string]types.AttributeValue {
	out := make(map[string]types.AttributeValue, len(it))
	for name, v := range it {
		out[name] = attribute(v)
	}
	return out
}

func attribute(v table.Value) types.AttributeValue {
	switch v := v.(type) {
	case table.String:
		return &types.AttributeValueMemberS{Value: string(v)}
	case table.Number:
		return &types.AttributeValueMemberN{Value: string(v)}
	case table.Bytes:
		if v == nil {
			v = table.Bytes{}
		}
		return &types.AttributeValueMemberB{Value: v}
	case table.Bool:
		return &types.AttributeValueMemberBOOL{Value: bool(v)}
	case table.List:
		out := make([]types.AttributeValue, len(v))
		for i, e := range v {
			out[i] = attribute(e)
		}
		return &types.AttributeValueMemberL{Value: out}
	case table.Map:
		return &types.AttributeValueMemberM{Value: attributes(table.Item(v))}
	default: // table.Null
		return &types.AttributeValueMemberNULL{Value: true}
	}
}

// item turns DynamoDB's attributes into an item; no attributes are no item. Sets, which the product never writes, are an error.
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

// keyAttributes are the key's two attributes.
func keyAttributes(k table.Key) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		table.AttrPK: &types.AttributeValueMemberS{Value: k.PK},
		table.AttrSK: &types.AttributeValueMemberS{Value: k.SK},
	}
}
