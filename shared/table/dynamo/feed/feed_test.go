package feed

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/table"
)

// shard is a shard of a stream in memory: numbers of changes, zero for an empty stretch.
type shard struct {
	id, parent string
	seqs       []int
	closed     bool
	trimmed    int // sequence numbers up to it are gone
}

// memory is a stream of shards, because DynamoDB Local's streams have but one. An iterator is "<shard>@<place>".
type memory struct {
	shards  []*shard
	expired map[string]bool // iterators that are too old
}

func (m *memory) DescribeStream(_ context.Context, in *dynamodbstreams.DescribeStreamInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.DescribeStreamOutput, error) {
	from := 0
	if in.ExclusiveStartShardId != nil {
		from = 1 + slices.IndexFunc(m.shards, func(s *shard) bool { return s.id == *in.ExclusiveStartShardId })
	}
	d := &types.StreamDescription{}
	for _, s := range m.shards[from:min(from+2, len(m.shards))] { // pages of two
		r := &types.SequenceNumberRange{}
		if s.closed {
			r.EndingSequenceNumber = aws.String("9")
		}
		one := types.Shard{ShardId: &s.id, SequenceNumberRange: r}
		if s.parent != "" {
			one.ParentShardId = &s.parent
		}
		d.Shards = append(d.Shards, one)
	}
	if from+2 < len(m.shards) {
		d.LastEvaluatedShardId = &m.shards[from+1].id
	}
	return &dynamodbstreams.DescribeStreamOutput{StreamDescription: d}, nil
}

func (m *memory) find(id string) *shard {
	for _, s := range m.shards {
		if s.id == id {
			return s
		}
	}
	return nil
}

func (m *memory) GetShardIterator(_ context.Context, in *dynamodbstreams.GetShardIteratorInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error) {
	s, place := m.find(*in.ShardId), 0
	if in.ShardIteratorType == types.ShardIteratorTypeAfterSequenceNumber {
		after, err := strconv.Atoi(*in.SequenceNumber)
		if err != nil {
			return nil, err
		}
		if after <= s.trimmed {
			return nil, &types.TrimmedDataAccessException{}
		}
		place = 1 + slices.Index(s.seqs, after)
	}
	return &dynamodbstreams.GetShardIteratorOutput{ShardIterator: aws.String(fmt.Sprintf("%s@%d", s.id, place))}, nil
}

func (m *memory) GetRecords(_ context.Context, in *dynamodbstreams.GetRecordsInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error) {
	if m.expired[*in.ShardIterator] {
		return nil, &types.ExpiredIteratorException{}
	}
	id, text, _ := strings.Cut(*in.ShardIterator, "@")
	place, err := strconv.Atoi(text)
	if err != nil {
		return nil, err
	}
	s := m.find(id)
	out := &dynamodbstreams.GetRecordsOutput{}
	for ; place < len(s.seqs) && len(out.Records) < int(*in.Limit); place++ {
		if s.seqs[place] == 0 {
			place++
			break
		}
		out.Records = append(out.Records, record(s.seqs[place]))
	}
	if !s.closed || place < len(s.seqs) {
		out.NextShardIterator = aws.String(fmt.Sprintf("%s@%d", id, place))
	}
	return out, nil
}

func record(seq int) types.Record {
	text := strconv.Itoa(seq)
	key := map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: "p"}, "sk": &types.AttributeValueMemberS{Value: text},
	}
	return types.Record{Dynamodb: &types.StreamRecord{SequenceNumber: &text, Keys: key, NewImage: key}}
}

// reads goes on from a position until nothing new comes, and gives the sequence numbers in order and the last position.
func reads(t *testing.T, f *Feed, after string, limit int) (seqs []string, next string) {
	t.Helper()
	for range 1000 {
		cs, next, err := f.Changes(t.Context(), after, limit)
		if err != nil {
			t.Fatalf("changes after %q: %v", after, err)
		}
		if len(cs) > limit {
			t.Fatalf("%d changes, at most %d were asked for", len(cs), limit)
		}
		for _, c := range cs {
			seqs = append(seqs, c.Seq)
		}
		if len(cs) == 0 && next == after {
			return seqs, next
		}
		after = next
	}
	t.Fatal("the feed never comes to rest")
	return nil, ""
}

func family() *memory {
	return &memory{shards: []*shard{ // children are listed first
		{id: "grandchild", parent: "left", seqs: []int{31, 32}},
		{id: "left", parent: "root", seqs: []int{21, 22}, closed: true},
		{id: "right", parent: "root", seqs: []int{0, 23, 0, 0, 24}},
		{id: "root", parent: "long gone", seqs: []int{11, 0, 12, 13}, closed: true},
		{id: "empty", parent: "root", closed: true},
		{id: "heir", parent: "empty", seqs: []int{25}},
	}}
}

func TestParentsAreReadBeforeChildren(t *testing.T) {
	for limit := 1; limit <= 12; limit++ {
		f := New(family(), "arn")
		got, _ := reads(t, f, "", limit)
		// 24 lies behind two empty stretches of an open shard and comes in later calls.
		for _, pair := range [][2]string{{"11", "12"}, {"12", "13"}, {"13", "21"}, {"13", "23"}, {"13", "25"}, {"21", "22"}, {"22", "31"}, {"31", "32"}} {
			if a, b := slices.Index(got, pair[0]), slices.Index(got, pair[1]); b >= 0 && (a < 0 || a > b) {
				t.Errorf("limit %d: %s came before %s in %v", limit, pair[1], pair[0], got)
			}
		}
		if len(got) < 8 {
			t.Errorf("limit %d: got %v, want at least all before the empty stretches", limit, got)
		}
	}
}

func TestEmptyStretchesArePassedByCallingAgain(t *testing.T) {
	m := family()
	f := New(m, "arn")
	var got []string
	after := ""
	for range 8 {
		cs, next, err := f.Changes(t.Context(), after, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cs {
			got = append(got, c.Seq)
		}
		after = next
	}
	slices.Sort(got)
	want := []string{"11", "12", "13", "21", "22", "23", "24", "25", "31", "32"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want each change once: %v", got, want)
	}
}

func TestAnotherReaderGoesOnFromThePosition(t *testing.T) {
	m := family()
	first, after := reads(t, New(m, "arn"), "", 3)
	if len(first) == 0 {
		t.Fatal("nothing was read")
	}
	m.find("grandchild").seqs = append(m.find("grandchild").seqs, 33, 34)
	m.find("grandchild").closed = true
	m.shards = append(m.shards, &shard{id: "late", parent: "grandchild", seqs: []int{41}})
	got, _ := reads(t, New(m, "arn"), after, 3)
	for _, seq := range first {
		if slices.Contains(got, seq) {
			t.Errorf("%s was read again", seq)
		}
	}
	if tail := []string{"33", "34", "41"}; !slices.Equal(slices.DeleteFunc(got, func(s string) bool { return s < "33" }), tail) {
		t.Errorf("got %v, want %v in order", got, tail)
	}
}

func TestExpiredIteratorIsReplaced(t *testing.T) {
	only := &shard{id: "only", seqs: []int{1, 2}}
	m := &memory{shards: []*shard{only}}
	f := New(m, "arn")
	_, after := reads(t, f, "", 10)
	kept := f.held["only"].iterator
	if kept == "" {
		t.Fatal("the feed holds no iterator")
	}
	only.seqs = []int{0, 1, 2, 3} // the same place has another iterator now
	m.expired = map[string]bool{kept: true}
	cs, _, err := f.Changes(t.Context(), after, 10)
	if err != nil || len(cs) != 1 || cs[0].Seq != "3" {
		t.Errorf("changes = %v, %v, want change 3", cs, err)
	}
}

func TestForgottenShardsAreForgotten(t *testing.T) {
	m := family()
	_, after := reads(t, New(m, "arn"), "", 10)
	m.shards = slices.DeleteFunc(m.shards, func(s *shard) bool { return s.id == "root" || s.id == "empty" })
	_, next := reads(t, New(m, "arn"), after, 10)
	if strings.Contains(next, "root") || !strings.Contains(next, "left") {
		t.Errorf("position %s, want one without the shards that are gone", next)
	}
}

func TestPositionsThatDoNotHoldAreInvalid(t *testing.T) {
	trimmed := &memory{shards: []*shard{{id: "only", seqs: []int{1, 2, 3}, trimmed: 2}}}
	for name, c := range map[string]struct {
		m     *memory
		after string
		limit int
	}{
		"no position":              {family(), "?", 1},
		"null":                     {family(), "null", 1},
		"a list":                   {family(), "[]", 1},
		"a sequence of letters":    {family(), `{"root": "x"}`, 1},
		"an empty sequence number": {family(), `{"root": ""}`, 1},
		"records that are gone":    {trimmed, `{"only": "1"}`, 1},
		"a shard that is gone":     {trimmed, `{"elder": "1"}`, 1},
		"no limit":                 {family(), "", 0},
		"a negative limit":         {family(), "", -1},
	} {
		t.Run(name, func(t *testing.T) {
			if cs, next, err := New(c.m, "arn").Changes(t.Context(), c.after, c.limit); !fault.Is(err, fault.Invalid) {
				t.Errorf("changes = %v, %q, %v, want one of kind invalid", cs, next, err)
			}
		})
	}
}

// failing is a stream whose every call fails.
type failing struct {
	memory
	err error
}

func (f *failing) GetRecords(context.Context, *dynamodbstreams.GetRecordsInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error) {
	return nil, f.err
}

func TestErrorsOfTheStreamAreClassified(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want fault.Kind
	}{
		"too many calls":  {&types.LimitExceededException{}, fault.Throttled},
		"an internal one": {&types.InternalServerError{}, fault.Unavailable},
		"a cut":           {errors.New("connection reset"), fault.Unavailable},
		"no such stream":  {&types.ResourceNotFoundException{}, fault.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			f := New(&failing{memory: *family(), err: c.err}, "arn")
			if _, _, err := f.Changes(t.Context(), "", 1); err == nil || fault.KindOf(err) != c.want || !errors.Is(err, c.err) {
				t.Errorf("changes = %v, want one of kind %s because of %v", err, c.want, c.err)
			}
		})
	}
}

func TestRecordOfAnExpiryIsTold(t *testing.T) {
	r := record(1)
	r.Dynamodb.OldImage, r.Dynamodb.NewImage = r.Dynamodb.NewImage, nil
	for name, c := range map[string]struct {
		by   *types.Identity
		want bool
	}{
		"nobody":  {nil, false},
		"a user":  {&types.Identity{Type: aws.String("User"), PrincipalId: aws.String("someone")}, false},
		"expiry":  {&types.Identity{Type: aws.String("Service"), PrincipalId: aws.String("dynamodb.amazonaws.com")}, true},
		"another": {&types.Identity{Type: aws.String("Service"), PrincipalId: aws.String("other.amazonaws.com")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			r.UserIdentity = c.by
			got, err := change(r)
			if err != nil || got.Expired != c.want || got.Old == nil || got.New != nil {
				t.Errorf("change = %+v, %v, want a removal with Expired %t", got, err, c.want)
			}
		})
	}
}

func TestValuesOfEveryTypeAreRead(t *testing.T) {
	got, err := item(map[string]types.AttributeValue{
		"s": &types.AttributeValueMemberS{Value: ""}, "n": &types.AttributeValueMemberN{Value: "1E+2"},
		"b": &types.AttributeValueMemberB{}, "t": &types.AttributeValueMemberBOOL{Value: true}, "z": &types.AttributeValueMemberNULL{Value: true},
		"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberM{}}},
	})
	want := table.Item{"s": table.String(""), "n": table.Int(100), "b": table.Bytes{}, "t": table.Bool(true), "z": table.Null{}, "l": table.List{table.Map{}}}
	if err != nil || !table.EqualItems(got, want) {
		t.Errorf("item = %v, %v, want %v", got, err, want)
	}
	for name, v := range map[string]types.AttributeValue{
		"a set": &types.AttributeValueMemberSS{}, "nothing": nil, "no number": &types.AttributeValueMemberN{Value: "x"},
		"a set in a list": &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberNS{}}},
	} {
		if got, err := item(map[string]types.AttributeValue{"v": v}); err == nil {
			t.Errorf("%s was read as %v", name, got)
		}
	}
}
