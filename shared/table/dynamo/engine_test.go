package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/enginetest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/dynamo"
	"github.com/assetry/assetry/shared/table/dynamo/dynamotest"
)

// loser carries every request to the store and loses as many answers as it is told to.
type loser struct {
	lose, sent atomic.Int64
}

func (l *loser) Do(req *http.Request) (*http.Response, error) {
	l.sent.Add(1)
	res, err := http.DefaultClient.Do(req)
	if err != nil || l.lose.Add(-1) < 0 {
		return res, err
	}
	return nil, errors.Join(errors.New("connection reset by peer"), res.Body.Close())
}

// losing is the same table through a wire that loses answers.
func losing(t *testing.T, db *dynamotest.DB) (*dynamo.Table, *loser) {
	l := &loser{}
	client := dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(enginetest.DynamoDB(t)), HTTPClient: l,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	return dynamo.New(client, db.Name, dynamo.Options{}), l
}

func counter(n int64) table.Item {
	return table.Item{table.AttrPK: table.String("p"), table.AttrSK: table.String("s"), "n": table.Int(n)}
}

func TestLostAnswerOfASingleWriteIsToldAndNotRepeated(t *testing.T) {
	ctx := context.Background()
	db := dynamotest.Open(t)
	tab, wire := losing(t, db)
	wire.lose.Store(1)
	if _, err := tab.Write(ctx, table.Put(counter(1), table.Absent())); !fault.Is(err, fault.Unavailable) || wire.sent.Load() != 1 {
		t.Fatalf("put with a lost answer = %v after %d requests, want unavailable after 1", err, wire.sent.Load())
	}
	if it, err := db.Get(ctx, counter(1).Key(), table.Strong); err != nil || it.Int("n") != 1 {
		t.Fatalf("after the lost answer: %v, %v, want the item", it, err)
	}
	wire.lose.Store(1)
	if _, err := tab.Write(ctx, table.Update(counter(1).Key(), table.Present(), table.Add("n", table.Int(1)))); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("add with a lost answer = %v, want unavailable", err)
	}
	if it, err := db.Get(ctx, counter(1).Key(), table.Strong); err != nil || it.Int("n") != 2 {
		t.Errorf("after the lost answer: %v, %v, want it added once", it, err)
	}
	if _, err := tab.Write(ctx, table.Put(counter(1), table.Absent())); outcomeLost(err).Int("n") != 2 {
		t.Errorf("repeating under the same condition = %v, want a lost condition with the item", err)
	}
}

func outcomeLost(err error) table.Item { it, _ := table.Lost(err); return it }

func TestLostAnswerOfATransactionIsMadeUpForByItsToken(t *testing.T) {
	ctx := context.Background()
	db := dynamotest.Open(t)
	if _, err := db.Write(ctx, table.Put(counter(1), table.Absent())); err != nil {
		t.Fatal(err)
	}
	tab, wire := losing(t, db)
	wire.lose.Store(1)
	other := counter(0)
	other[table.AttrSK] = table.String("other")
	err := tab.Transact(ctx, []table.Write{
		table.Update(counter(1).Key(), table.Eq("n", table.Int(1)), table.Add("n", table.Int(1))),
		table.Put(other, table.Absent()),
	})
	if err != nil || wire.sent.Load() != 2 {
		t.Fatalf("transaction with a lost answer = %v after %d requests, want it done after 2", err, wire.sent.Load())
	}
	if it, err := db.Get(ctx, counter(1).Key(), table.Strong); err != nil || it.Int("n") != 2 {
		t.Errorf("after the transaction: %v, %v, want it added once", it, err)
	}
}

func TestBatchGetGoesOnAfterDynamoDBsSixteenMegabytes(t *testing.T) {
	ctx := context.Background()
	db := dynamotest.Open(t)
	var ks []table.Key
	for i := range 48 {
		it := counter(int64(i))
		it[table.AttrSK] = table.String(fmt.Sprint(i))
		it["fill"] = table.Bytes(make([]byte, 390<<10))
		if _, err := db.Write(ctx, table.Put(it, table.Absent())); err != nil {
			t.Fatal(err)
		}
		ks = append(ks, it.Key())
	}
	slices.Reverse(ks)
	ctx, meter := table.WithMeter(ctx)
	got, err := db.BatchGet(ctx, ks, table.Strong)
	if err != nil {
		t.Fatal(err)
	}
	for i, it := range got {
		if it.Key() != ks[i] || it.Int("n") != int64(len(ks)-1-i) {
			t.Fatalf("place %d holds %s, want %s", i, it.Key(), ks[i])
		}
	}
	if read, _, requests := meter.Spent(); requests < 2 || read != float64(len(ks))*98 {
		t.Errorf("spent %v units in %d requests, want %d in more than one", read, requests, len(ks)*98)
	}
}

func TestQueryPassesManyExpiredItemsInFewRequests(t *testing.T) {
	ctx := context.Background()
	db := dynamotest.Open(t)
	for i := range 400 {
		it := counter(int64(i))
		it[table.AttrSK] = table.String(fmt.Sprintf("%04d", i))
		if i > 0 && i < 399 {
			it[table.AttrExpires] = table.Int(time.Now().Unix() - 60)
		}
		if _, err := db.Write(ctx, table.Put(it, table.Absent())); err != nil {
			t.Fatal(err)
		}
	}
	for _, descending := range []bool{false, true} {
		ctx, meter := table.WithMeter(ctx)
		p, err := db.Query(ctx, table.Query{PK: "p", Limit: 1, Descending: descending})
		if err != nil || len(p.Items) != 1 || p.Next == nil {
			t.Fatalf("page = %v, %v, want one item and a position", p, err)
		}
		if _, _, requests := meter.Spent(); requests > 10 {
			t.Errorf("%d requests past 398 expired items, want at most 10", requests)
		}
		p, err = db.Query(ctx, table.Query{PK: "p", Limit: 1, Descending: descending, After: p.Next})
		if err != nil || len(p.Items) != 1 || p.Next != nil {
			t.Errorf("last page = %v, %v, want one item and no position", p, err)
		}
	}
}

func TestQueryFillsPagesOverDynamoDBsOwn(t *testing.T) {
	ctx := context.Background()
	db := dynamotest.Open(t)
	for i := range 12 { // 3.6 MB; DynamoDB answers 1 MB at once
		it := counter(int64(i))
		it[table.AttrSK] = table.String(fmt.Sprintf("%02d", i))
		it["fill"] = table.Bytes(make([]byte, 300<<10))
		if _, err := db.Write(ctx, table.Put(it, table.Absent())); err != nil {
			t.Fatal(err)
		}
	}
	p, err := db.Query(ctx, table.Query{PK: "p", Limit: 11})
	if err != nil || len(p.Items) != 11 || p.Next == nil {
		t.Fatalf("page of %d items, next %v, error %v, want 11 and a next", len(p.Items), p.Next, err)
	}
	p, err = db.Query(ctx, table.Query{PK: "p", Limit: 12})
	if err != nil || len(p.Items) != 12 || p.Next != nil {
		t.Errorf("page of %d items, next %v, error %v, want 12 and no next", len(p.Items), p.Next, err)
	}
}

func TestLargestConditionAndUpdateFitDynamoDBsExpressions(t *testing.T) {
	ctx := context.Background()
	db := dynamotest.Open(t)
	it := counter(1)
	var kids []table.Cond
	for i := range table.MaxConds - 2 {
		kids = append(kids, table.Ne(fmt.Sprintf("attribute-number-%d", i), table.Int(7)))
	}
	var edits []table.Edit
	for i := range table.MaxEdits {
		edits = append(edits, table.Set(fmt.Sprintf("set-number-%d", i), table.Int(int64(i))))
	}
	if _, err := db.Write(ctx, table.Put(it, table.Any(append(kids, table.Absent())...))); err != nil {
		t.Errorf("put under %d conditions: %v", len(kids)+1, err)
	}
	after, err := db.Write(ctx, table.Update(it.Key(), table.All(append(kids, table.Present())...), edits...))
	if err != nil || len(after) != len(it)+len(edits) {
		t.Errorf("update of %d attributes under %d conditions: %d attributes, %v", len(edits), len(kids)+1, len(after), err)
	}
}

func TestCreateMakesTheTableTheDriverWants(t *testing.T) {
	ctx := context.Background()
	db := dynamotest.Open(t, table.Index{Name: "by-owner", PK: "owner", SK: "since"}, table.Index{Name: "by-since", PK: "since", SK: table.AttrPK})
	out, err := db.Client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &db.Name})
	if err != nil {
		t.Fatal(err)
	}
	d := out.Table
	if got := d.BillingModeSummary.BillingMode; got != types.BillingModePayPerRequest {
		t.Errorf("billing mode %s, want per request", got)
	}
	if s := d.StreamSpecification; s == nil || !*s.StreamEnabled || s.StreamViewType != types.StreamViewTypeNewAndOldImages {
		t.Errorf("stream %+v, want new and old images", s)
	}
	got := map[string]string{"": keys(d.KeySchema)}
	for _, ix := range d.GlobalSecondaryIndexes {
		got[*ix.IndexName] = keys(ix.KeySchema) + " " + string(ix.Projection.ProjectionType)
	}
	want := map[string]string{"": "pk sk", "by-owner": "owner since ALL", "by-since": "since pk ALL"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	ttl, err := db.Client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &db.Name})
	if err != nil || aws.ToString(ttl.TimeToLiveDescription.AttributeName) != table.AttrExpires {
		t.Errorf("time to live %+v, %v, want it on %s", ttl, err, table.AttrExpires)
	}
	if err := dynamo.Create(ctx, db.Client, db.Name, nil); err == nil || !strings.Contains(err.Error(), db.Name) {
		t.Errorf("creating it again = %v, want an error that names it", err)
	}
}

func keys(ks []types.KeySchemaElement) string {
	var names []string
	for _, k := range ks {
		names = append(names, *k.AttributeName)
	}
	return strings.Join(names, " ")
}

func TestTransactionCostsEveryWriteAndEveryIndexEntry(t *testing.T) {
	db := dynamotest.Open(t, table.Index{Name: "by-owner", PK: "owner", SK: "since"})
	var ws []table.Write
	for i := range 3 {
		it := counter(int64(i))
		it[table.AttrSK] = table.String(fmt.Sprint(i))
		it["owner"], it["since"] = table.String("o"), table.String("s")
		ws = append(ws, table.Put(it, table.Absent()))
	}
	ctx, meter := table.WithMeter(t.Context())
	if err := db.Transact(ctx, ws); err != nil {
		t.Fatal(err)
	}
	if read, write, requests := meter.Spent(); read != 0 || write != 12 || requests != 1 {
		t.Errorf("spent %v read and %v write units in %d requests, want 0 and 12 (3 items, 3 entries, doubled) in 1", read, write, requests)
	}
}
