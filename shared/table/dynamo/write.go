package dynamo

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/table"
)

// Write implements table.Table.
func (t *Table) Write(ctx context.Context, w table.Write) (table.Item, error) {
	if err := table.Validate(w); err != nil {
		return nil, err
	}
	if err := t.validateStored(w); err != nil {
		return nil, err
	}
	switch w.Verb {
	case table.VerbPut:
		return t.put(ctx, w)
	case table.VerbUpdate:
		return t.update(ctx, w)
	case table.VerbDelete:
		return nil, t.delete(ctx, w)
	default: // table.VerbCheck
		return nil, t.check(ctx, w)
	}
}

// validateStored refuses what DynamoDB would: index keys that cannot be, and edits that alone are over the size of an item.
func (t *Table) validateStored(w table.Write) error {
	if w.Verb == table.VerbPut {
		return table.ValidateIndexed(w.Item, t.indexes)
	}
	given := make(table.Item, len(w.Edits))
	for _, e := range w.Edits {
		if e.Op != table.EditRemove {
			given[e.Attr] = e.Value
		}
	}
	if n := given.Size(); n > table.MaxItemSize {
		return fault.BadField("item", "%s would have more than %d bytes; at most %d are allowed", w.Key, n, table.MaxItemSize)
	}
	return table.ValidateIndexed(given, t.indexes)
}

// onLost asks for the item under a lost condition.
const onLost = types.ReturnValuesOnConditionCheckFailureAllOld

// perIndex asks for a report that counts indexes.
const perIndex = types.ReturnConsumedCapacityIndexes

func (t *Table) put(ctx context.Context, w table.Write) (table.Item, error) {
	x := newExpression(t.now())
	out, err := t.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &t.name, Item: attributes(w.Item), ConditionExpression: x.condition(w),
		ExpressionAttributeNames: x.names, ExpressionAttributeValues: x.values,
		ReturnValuesOnConditionCheckFailure: onLost, ReturnConsumedCapacity: perIndex,
	}, t.single)
	if err != nil {
		return nil, t.lost(ctx, w, x, err)
	}
	table.Spend(ctx, 0, units(out.ConsumedCapacity))
	return w.Item.Clone(), nil
}

func (t *Table) update(ctx context.Context, w table.Write) (table.Item, error) {
	x := newExpression(t.now())
	out, err := t.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &t.name, Key: keyAttributes(w.Key), UpdateExpression: x.update(w.Edits), ConditionExpression: x.condition(w),
		ExpressionAttributeNames: x.names, ExpressionAttributeValues: x.values, ReturnValues: types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: onLost, ReturnConsumedCapacity: perIndex,
	}, t.single)
	if err != nil {
		return nil, t.lost(ctx, w, x, err)
	}
	table.Spend(ctx, 0, units(out.ConsumedCapacity))
	return read(out.Attributes)
}

func (t *Table) delete(ctx context.Context, w table.Write) error {
	x := newExpression(t.now())
	out, err := t.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &t.name, Key: keyAttributes(w.Key), ConditionExpression: x.condition(w),
		ExpressionAttributeNames: x.names, ExpressionAttributeValues: x.values,
		ReturnValuesOnConditionCheckFailure: onLost, ReturnConsumedCapacity: perIndex,
	}, t.single)
	if err != nil {
		return t.lost(ctx, w, x, err)
	}
	table.Spend(ctx, 0, units(out.ConsumedCapacity))
	return nil
}

// check reads the item; a condition alone needs no write.
func (t *Table) check(ctx context.Context, w table.Write) error {
	now := t.now()
	it, err := t.get(ctx, w.Key, table.Strong)
	if err != nil {
		return err
	}
	if it = table.Live(it, now); !w.Allows(it) {
		return &table.ConditionError{Key: w.Key, Current: it}
	}
	return nil
}

// lost turns the error of a single write into the contract's: a lost condition carries the item and costs by its size.
func (t *Table) lost(ctx context.Context, w table.Write, x *expression, err error) error {
	var refused *types.ConditionalCheckFailedException
	if !errors.As(err, &refused) {
		return failed(ctx, "write "+w.Key.String(), err)
	}
	stored, err := read(refused.Item)
	if err != nil {
		return err
	}
	table.Spend(ctx, 0, table.LostUnits(stored))
	return &table.ConditionError{Key: w.Key, Current: table.Live(stored, x.now)}
}
