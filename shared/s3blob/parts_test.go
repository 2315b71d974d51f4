package s3blob_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
)

const partSize = 5 << 20 // the smallest that S3 takes but for the last

func startParts(t *testing.T, b blob.Bucket, o blob.PutOptions) string {
	t.Helper()
	up, err := b.StartParts(context.Background(), key, o)
	if err != nil {
		t.Fatalf("StartParts = %v", err)
	}
	return up
}

func putPart(t *testing.T, b blob.Bucket, up string, number int, body string) blob.Part {
	t.Helper()
	p, err := b.PutPart(context.Background(), key, up, number, strings.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatalf("PutPart(%d) = %v", number, err)
	}
	return p
}

func TestPartsBecomeOneObject(t *testing.T) {
	b, s := open(t)
	ctx, meter := blob.WithMeter(context.Background())
	o := blob.PutOptions{Type: "video/mp4", Meta: map[string]string{"asset": "ä 1"}}
	up := startParts(t, b, o)

	// The first part goes by a signed URL, as a browser sends it.
	url, err := b.SignPart(ctx, key, up, 1, partSize, soon())
	if err != nil {
		t.Fatal(err)
	}
	body := strings.Repeat("a", partSize)
	status, h, text := send(t, s, "PUT", url, nil, body)
	if status != 200 {
		t.Fatalf("signed part answered %d %s, want 200", status, text)
	}
	first := blob.Part{Number: 1, ETag: strings.Trim(h.Get("ETag"), `"`), Size: partSize}
	last := putPart(t, b, up, 2, "end")
	got, more, err := b.ListParts(ctx, key, up, 0, 1000)
	if err != nil || more {
		t.Fatalf("ListParts = more %v, %v", more, err)
	}
	if d := cmp.Diff([]blob.Part{first, last}, got); d != "" {
		t.Errorf("ListParts (-want +got):\n%s", d)
	}
	done, err := b.CompleteParts(ctx, key, up, got, blob.PutOptions{IfAbsent: true})
	if err != nil || done.Size != partSize+3 || done.Version == "" {
		t.Fatalf("CompleteParts = %+v, %v; want the whole with its version", done, err)
	}
	bytes, read, err := b.Read(ctx, key, done.Version, partSize-1, 10)
	if err != nil || string(bytes) != "aend" || read.Size != done.Size || read.ETag != done.ETag || read.Type != o.Type || read.Meta["asset"] != "ä 1" {
		t.Errorf("Read = %q, %+v, %v; want the seam of both parts and what was set at the start", bytes, read, err)
	}
	want := map[string]int{"ListParts": 1, "CompleteMultipartUpload": 1, "GetObject": 1}
	if d := cmp.Diff(want, meter.ByOperation()); d != "" {
		t.Errorf("requests (-want +got):\n%s", d)
	}
}

func TestAnAbusedPartIsRefused(t *testing.T) {
	b, s := open(t)
	up := startParts(t, b, blob.PutOptions{})
	url, err := b.SignPart(context.Background(), key, up, 1, 4, soon())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ url, body string }{
		"another number":       {strings.Replace(url, "partNumber=1", "partNumber=2", 1), "four"},
		"another key":          {strings.Replace(url, "/source?", "/other?", 1), "four"},
		"no part at all":       {strings.Replace(url, "&partNumber=1&uploadId="+up, "", 1), "four"},
		"a bigger body":        {url, "fourteen"},
		"a much bigger body":   {url, strings.Repeat("x", partSize)},
		"a smaller body":       {url, "2"},
		"a tampered signature": {url[:len(url)-4] + "0000", "four"},
	} {
		if status, _, text := send(t, s, "PUT", c.url, nil, c.body); status != 403 && status != 0 {
			t.Errorf("part with %s answered %d %s, want 403 or a broken connection", name, status, text)
		}
	}
	if ps, _, err := b.ListParts(context.Background(), key, up, 0, 10); err != nil || len(ps) != 0 {
		t.Errorf("ListParts = %v, %v; want none", ps, err)
	}
	wantEmpty(t, b)
}

func TestListPartsPages(t *testing.T) {
	b, _ := open(t)
	up := startParts(t, b, blob.PutOptions{})
	var want []blob.Part
	for _, n := range []int{1, 2, 5, 9, 1000} {
		want = append(want, putPart(t, b, up, n, strconv.Itoa(n)))
	}
	var got []blob.Part
	pages, after, more := 0, 0, true
	for more {
		var ps []blob.Part
		var err error
		ps, more, err = b.ListParts(context.Background(), key, up, after, 2)
		if err != nil || len(ps) == 0 || len(ps) > 2 {
			t.Fatalf("page after %d = %v, %v; want one or two parts", after, ps, err)
		}
		got = append(got, ps...)
		after = ps[len(ps)-1].Number
		pages++
	}
	if d := cmp.Diff(want, got); d != "" || pages != 3 {
		t.Errorf("%d pages, want 3 (-want +got):\n%s", pages, d)
	}
}

func TestPartsThatDoNotFitAreRefused(t *testing.T) {
	b, _ := open(t)
	ctx := context.Background()
	up := startParts(t, b, blob.PutOptions{})
	one, two := putPart(t, b, up, 1, strings.Repeat("a", partSize)), putPart(t, b, up, 2, "bb")
	small := startParts(t, b, blob.PutOptions{})
	s1, s2 := putPart(t, b, small, 1, "a"), putPart(t, b, small, 2, "b")
	wrong := one
	wrong.ETag = strings.Repeat("0", 32)
	missing := blob.Part{Number: 7, ETag: one.ETag, Size: 1}
	for _, c := range []struct {
		name, up string
		parts    []blob.Part
	}{
		{"a wrong ETag", up, []blob.Part{wrong, two}},
		{"a part nobody sent", up, []blob.Part{one, two, missing}},
		{"parts out of order", up, []blob.Part{two, one}},
		{"a first part that is too small", small, []blob.Part{s1, s2}},
	} {
		if _, err := b.CompleteParts(ctx, key, c.up, c.parts, blob.PutOptions{}); !fault.Is(err, fault.Invalid) {
			t.Errorf("CompleteParts with %s = %v, want fault.Invalid", c.name, err)
		}
	}
	wantEmpty(t, b)
	if _, err := b.CompleteParts(ctx, key, up, []blob.Part{one, two}, blob.PutOptions{}); err != nil {
		t.Errorf("CompleteParts after the refusals = %v, want success: a refusal keeps the parts", err)
	}
}

func TestCompletingAndAbortingTwice(t *testing.T) {
	b, _ := open(t)
	ctx := context.Background()
	up := startParts(t, b, blob.PutOptions{})
	p := putPart(t, b, up, 1, "only")
	if _, err := b.CompleteParts(ctx, key, "0123456789abcdef", []blob.Part{p}, blob.PutOptions{}); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("CompleteParts of an unknown upload = %v, want ErrNotFound", err)
	}
	done, err := b.CompleteParts(ctx, key, up, []blob.Part{{Number: 1, ETag: p.ETag}}, blob.PutOptions{})
	if err != nil || done.Size != 4 {
		t.Fatalf("CompleteParts without sizes = %+v, %v; want the size looked up", done, err)
	}
	second, err := b.CompleteParts(ctx, key, up, []blob.Part{p}, blob.PutOptions{})
	if !errors.Is(err, blob.ErrNotFound) && (err != nil || second.ETag != done.ETag || second.Version != done.Version) {
		t.Errorf("second CompleteParts = %+v, %v; want the first answer %+v again, or ErrNotFound", second, err, done)
	}
	if vs, err := b.Versions(ctx, key, 0); err != nil || len(vs) != 1 {
		t.Errorf("Versions = %v, %v; want one", vs, err)
	}
	again := startParts(t, b, blob.PutOptions{})
	p = putPart(t, b, again, 1, "other")
	if _, err := b.CompleteParts(ctx, key, again, []blob.Part{p}, blob.PutOptions{IfAbsent: true}); !errors.Is(err, blob.ErrExists) {
		t.Errorf("CompleteParts over a taken key = %v, want ErrExists", err)
	}
	for i := range 2 {
		if err := b.AbortParts(ctx, key, again); err != nil {
			t.Errorf("AbortParts, call %d = %v, want none", i+1, err)
		}
	}
	if _, _, err := b.ListParts(ctx, key, again, 0, 10); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("ListParts of an aborted upload = %v, want ErrNotFound", err)
	}
	if _, err := b.PutPart(ctx, key, again, 1, strings.NewReader("x"), 1); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("PutPart of an aborted upload = %v, want ErrNotFound", err)
	}
}
