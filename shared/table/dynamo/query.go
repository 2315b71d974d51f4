package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/table"
)

// Query implements table.Table. It asks for one item more than the page holds, to know whether there is another, and goes on after
// DynamoDB's own pages (1 MB) and past expired items until it knows.
func (t *Table) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if err := table.ValidateQuery(q); err != nil {
		return table.Page{}, err
	}
	ix, err := t.index(q.Index)
	if err != nil || q.Empty() {
		return table.Page{}, err
	}
	in := t.queryInput(q, ix)
	want := q.Limit + 1
	var got []table.Item
	for ask := want; ; {
		in.Limit = aws.Int32(int32(ask))
		out, err := t.client.Query(ctx, in, t.repeatable)
		if err != nil {
			return table.Page{}, failed(ctx, "query "+q.PK, err)
		}
		// No items cost the least that a read can; DynamoDB Local reports nothing for them.
		table.Spend(ctx, max(units(out.ConsumedCapacity), table.ReadUnits(0, consistency(q))), 0)
		if got, err = t.keep(got, out.Items, q, ix); err != nil {
			return table.Page{}, err
		}
		if len(got) >= want || len(out.LastEvaluatedKey) == 0 {
			return page(got, q, ix), nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
		// Few were missing, but what is there may be expired for long: doubling bounds the requests.
		ask = min(max(want-len(got), 2*ask), table.MaxQuery)
	}
}

// index finds an index by name; the zero Index is the table itself.
func (t *Table) index(name string) (table.Index, error) {
	if name == "" {
		return table.Index{PK: table.AttrPK, SK: table.AttrSK}, nil
	}
	for _, ix := range t.indexes {
		if ix.Name == name {
			return ix, nil
		}
	}
	return table.Index{}, fault.BadField("index", "the table has no index %q", name)
}

// consistency is the one the query is read with.
func consistency(q table.Query) table.Consistency {
	if q.Index != "" {
		return table.Eventual
	}
	return table.Consistency(q.Eventual)
}

func (t *Table) queryInput(q table.Query, ix table.Index) *dynamodb.QueryInput {
	x := newExpression(t.now())
	cond := x.name(ix.PK) + " = " + x.value(table.String(q.PK))
	switch sk := table.String(q.From); {
	case q.From != "" && q.To != "": // inclusive at both ends, keep drops what lies at To
		cond += " AND " + x.name(ix.SK) + " BETWEEN " + x.value(sk) + " AND " + x.value(table.String(q.To))
	case q.From != "":
		cond += " AND " + x.name(ix.SK) + " >= " + x.value(sk)
	case q.To != "":
		cond += " AND " + x.name(ix.SK) + " < " + x.value(table.String(q.To))
	}
	in := &dynamodb.QueryInput{
		TableName: &t.name, KeyConditionExpression: &cond,
		ExpressionAttributeNames: x.names, ExpressionAttributeValues: x.values,
		ScanIndexForward: aws.Bool(!q.Descending), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	}
	if q.Index != "" {
		in.IndexName = &q.Index
	} else {
		in.ConsistentRead = aws.Bool(!q.Eventual)
	}
	if q.After != nil {
		in.ExclusiveStartKey = keyAttributes(q.After.Key)
		in.ExclusiveStartKey[ix.PK] = attribute(table.String(q.PK))
		if q.Index != "" {
			in.ExclusiveStartKey[ix.SK] = attribute(table.String(q.After.IndexSK))
		}
	}
	return in
}

// keep adds the rows that are live and in the range.
func (t *Table) keep(got []table.Item, rows []map[string]types.AttributeValue, q table.Query, ix table.Index) ([]table.Item, error) {
	now := t.now()
	for _, row := range rows {
		it, err := read(row)
		if err != nil {
			return nil, err
		}
		if !it.Expired(now) && (q.To == "" || it.Str(ix.SK) < q.To) {
			got = append(got, it)
		}
	}
	return got, nil
}

// page cuts what was got to the page, with a position where more was there.
func page(got []table.Item, q table.Query, ix table.Index) table.Page {
	if len(got) <= q.Limit {
		return table.Page{Items: got}
	}
	got = got[:q.Limit:q.Limit]
	last := got[q.Limit-1]
	next := &table.Pos{Key: last.Key()}
	if q.Index != "" {
		next.IndexSK = last.Str(ix.SK)
	}
	return table.Page{Items: got, Next: next}
}
