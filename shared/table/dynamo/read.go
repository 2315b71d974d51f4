package dynamo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/table"
)

// Get implements table.Table.
func (t *Table) Get(ctx context.Context, k table.Key, c table.Consistency) (table.Item, error) {
	if err := table.ValidateKey(k); err != nil {
		return nil, err
	}
	it, err := t.get(ctx, k, c)
	if err != nil {
		return nil, err
	}
	if it = table.Live(it, t.now()); it == nil {
		return nil, table.ErrNotFound
	}
	return it, nil
}

// get reads an item, expired or not; nil when there is none.
func (t *Table) get(ctx context.Context, k table.Key, c table.Consistency) (table.Item, error) {
	strong := c == table.Strong
	out, err := t.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &t.name, Key: keyAttributes(k), ConsistentRead: &strong,
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	}, t.repeatable)
	if err != nil {
		return nil, failed(ctx, "get "+k.String(), err)
	}
	table.Spend(ctx, units(out.ConsumedCapacity), 0)
	return read(out.Item)
}

// read is item with the words of a broken row.
func read(as map[string]types.AttributeValue) (table.Item, error) {
	it, err := item(as)
	if err != nil {
		return nil, fmt.Errorf("row cannot be read: %w", err)
	}
	return it, nil
}

// maxIdleRounds is how many BatchGetItem answers in a row may bring nothing before the table counts as throttled. With backoff's
// pauses that is about 3 s.
const maxIdleRounds = 7

// BatchGet implements table.Table. DynamoDB answers at most 16 MB at once and may leave keys out when it is busy; those are asked
// for again.
func (t *Table) BatchGet(ctx context.Context, ks []table.Key, c table.Consistency) ([]table.Item, error) {
	if err := table.ValidateKeys(ks); err != nil {
		return nil, err
	}
	found := make(map[table.Key]table.Item, len(ks))
	left := t.batch(ks, c)
	for idle := 0; len(left) > 0; {
		before := len(found)
		var err error
		if left, err = t.batchRound(ctx, left, c, found); err != nil {
			return nil, err
		}
		if idle++; len(found) > before {
			idle = 0
		}
		if len(left) == 0 {
			break
		}
		if idle == maxIdleRounds {
			return nil, fault.New(fault.Throttled, "the store is busy: %d of %d items were not read; repeat later", len(ks)-len(found), len(ks))
		}
		if err := t.pause(ctx, idle); err != nil {
			return nil, failed(ctx, "batch get", err)
		}
	}
	now := t.now()
	out := make([]table.Item, len(ks))
	for i, k := range ks {
		out[i] = table.Live(found[k], now)
	}
	return out, nil
}

// batch is what a BatchGetItem call asks for, by table.
type batch = map[string]types.KeysAndAttributes

func (t *Table) batch(ks []table.Key, c table.Consistency) batch {
	if len(ks) == 0 {
		return nil
	}
	strong := c == table.Strong
	keys := make([]map[string]types.AttributeValue, len(ks))
	for i, k := range ks {
		keys[i] = keyAttributes(k)
	}
	return batch{t.name: {Keys: keys, ConsistentRead: &strong}}
}

// batchRound asks once, adds what came to found, and gives the keys that are left. An absent item costs the least that a read can;
// DynamoDB reports that, DynamoDB Local leaves it out.
func (t *Table) batchRound(ctx context.Context, ask batch, c table.Consistency, found map[table.Key]table.Item) (batch, error) {
	out, err := t.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
		RequestItems: ask, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	}, t.repeatable)
	if err != nil {
		return nil, failed(ctx, "batch get", err)
	}
	least := float64(len(ask[t.name].Keys)-len(out.UnprocessedKeys[t.name].Keys)) * table.ReadUnits(0, c)
	for _, row := range out.Responses[t.name] {
		it, err := read(row)
		if err != nil {
			return nil, err
		}
		found[it.Key()] = it
		least += table.ReadUnits(it.Size(), c) - table.ReadUnits(0, c)
	}
	spent := 0.0
	for i := range out.ConsumedCapacity {
		spent += units(&out.ConsumedCapacity[i])
	}
	table.Spend(ctx, max(spent, least), 0)
	return out.UnprocessedKeys, nil
}

// backoff waits 25 ms for round 0 and doubles up to 1.6 s, or until ctx is done.
func backoff(ctx context.Context, round int) error {
	timer := time.NewTimer(25 * time.Millisecond << min(round, 6))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// units is the total of a report, indexes included.
func units(c *types.ConsumedCapacity) float64 {
	if c == nil || c.CapacityUnits == nil {
		return 0
	}
	return *c.CapacityUnits
}
