package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/uuid"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/table"
)

// Transact implements table.Table. Its idempotency token holds for ten minutes, for the SDK's own repeats only: another call is
// another transaction.
func (t *Table) Transact(ctx context.Context, ws []table.Write) error {
	if err := table.ValidateTransact(ws); err != nil {
		return err
	}
	now := t.now()
	items := make([]types.TransactWriteItem, len(ws))
	for i, w := range ws {
		if err := t.validateStored(w); err != nil {
			return fmt.Errorf("write %d of the transaction: %w", i, err)
		}
		items[i] = t.transactItem(w, now)
	}
	seen := &witness{RetryerV2: t.freely}
	out, err := t.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
		TransactItems: items, ClientRequestToken: aws.String(uuid.NewString()), ReturnConsumedCapacity: perIndex,
	}, func(o *dynamodb.Options) { o.Retryer = seen })
	if err == nil {
		table.Spend(ctx, 0, t.transactUnits(ws, out.ConsumedCapacity))
		return nil
	}
	var canceled *types.TransactionCanceledException
	if errors.As(err, &canceled) {
		return refused(ctx, ws, canceled, now)
	}
	if seen.unsure {
		err = &unsureError{err}
	}
	return failed(ctx, fmt.Sprintf("transaction of %d writes", len(ws)), err)
}

// transactUnits is what a transaction cost: what was reported for the table and for its indexes, but never less than the writes tell of themselves,
// which is twice the size of what is put, with its index entries where it is new, and twice one unit for every other write. DynamoDB never reports
// less; DynamoDB Local 3.1.0 counts writes of equal price once.
func (t *Table) transactUnits(ws []table.Write, reports []types.ConsumedCapacity) float64 {
	var rows, entries, leastRows, leastEntries float64
	for _, r := range reports {
		all := units(&r)
		own := all // of the rows; a report without parts is of nothing else
		if r.Table != nil {
			own = aws.ToFloat64(r.Table.CapacityUnits)
		}
		rows += own
		entries += all - own
	}
	for _, w := range ws {
		size := table.WriteUnits(w.Item.Size())
		leastRows += 2 * size
		if w.If.Op == table.OpAbsent {
			leastEntries += 2 * (table.ChangeUnits(nil, w.Item, t.indexes) - size)
		}
	}
	return max(rows, leastRows) + max(entries, leastEntries)
}

func (t *Table) transactItem(w table.Write, now time.Time) types.TransactWriteItem {
	x := newExpression(now)
	switch w.Verb {
	case table.VerbPut:
		return types.TransactWriteItem{Put: &types.Put{
			TableName: &t.name, Item: attributes(w.Item), ConditionExpression: x.condition(w),
			ExpressionAttributeNames: x.names, ExpressionAttributeValues: x.values, ReturnValuesOnConditionCheckFailure: onLost,
		}}
	case table.VerbUpdate:
		return types.TransactWriteItem{Update: &types.Update{
			TableName: &t.name, Key: keyAttributes(w.Key), UpdateExpression: x.update(w.Edits), ConditionExpression: x.condition(w),
			ExpressionAttributeNames: x.names, ExpressionAttributeValues: x.values, ReturnValuesOnConditionCheckFailure: onLost,
		}}
	case table.VerbDelete:
		return types.TransactWriteItem{Delete: &types.Delete{
			TableName: &t.name, Key: keyAttributes(w.Key), ConditionExpression: x.condition(w),
			ExpressionAttributeNames: x.names, ExpressionAttributeValues: x.values, ReturnValuesOnConditionCheckFailure: onLost,
		}}
	default: // table.VerbCheck
		return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
			TableName: &t.name, Key: keyAttributes(w.Key), ConditionExpression: x.condition(w),
			ExpressionAttributeNames: x.names, ExpressionAttributeValues: x.values, ReturnValuesOnConditionCheckFailure: onLost,
		}}
	}
}

// Codes of a cancellation reason, from the API reference of TransactWriteItems.
const (
	codeNone       = "None"
	codeLost       = "ConditionalCheckFailed"
	codeConflict   = "TransactionConflict"
	codeThroughput = "ProvisionedThroughputExceeded"
	codeThrottling = "ThrottlingError"
	codeValidation = "ValidationError"
)

// refused turns a cancelled transaction into the contract's errors. A lost condition outweighs the other reasons, because
// repeating does not help it; then comes what the writes themselves have wrong, then a busy table, then contention.
func refused(ctx context.Context, ws []table.Write, c *types.TransactionCanceledException, now time.Time) error {
	if len(c.CancellationReasons) != len(ws) {
		return fmt.Errorf("transaction of %d writes refused for %d reasons: %w", len(ws), len(c.CancellationReasons), c)
	}
	e := &table.TransactError{Reasons: make([]table.Reason, len(ws)), Current: make([]table.Item, len(ws))}
	stored := make([]table.Item, len(ws))
	codes := make(map[string]string, 1)
	for i, r := range c.CancellationReasons {
		code := aws.ToString(r.Code)
		codes[code] = aws.ToString(r.Message)
		switch code {
		case codeLost:
			it, err := read(r.Item)
			if err != nil {
				return err
			}
			e.Reasons[i], stored[i], e.Current[i] = table.ConditionLost, it, table.Live(it, now)
		case codeConflict:
			e.Reasons[i] = table.Contended
		}
	}
	table.Spend(ctx, 0, table.RefusedUnits(ws, e.Reasons, stored))
	return weigh(e, codes, c)
}

func weigh(e *table.TransactError, codes map[string]string, cause error) error {
	has := func(code string) bool { _, ok := codes[code]; return ok }
	switch {
	case has(codeLost):
		return e
	case has(codeValidation):
		return invalid(codes[codeValidation], cause)
	case has(codeThroughput), has(codeThrottling):
		return fault.Wrap(cause, fault.Throttled, busy)
	case has(codeConflict):
		return e
	}
	delete(codes, codeNone)
	return fmt.Errorf("transaction refused for %v: %w", codes, cause)
}
