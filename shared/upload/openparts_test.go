package upload_test

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/upload"
)

// sendOpen cuts a body as a client of its own mind does, sends the pieces, and gives them with their ETags.
func (w *world) sendOpen(t testing.TB, g upload.PartsGrant, pieces ...[]byte) (ps []blob.Part) {
	t.Helper()
	for i, piece := range pieces {
		status, etag := w.sendPart(t, g.Parts[i], piece)
		if status != http.StatusOK {
			t.Fatalf("the bucket answered %d to part %d, want 200", status, i+1)
		}
		ps = append(ps, blob.Part{Number: g.Parts[i].Number, ETag: etag})
	}
	return ps
}

// pieced cuts a body at some places.
func pieced(body []byte, at ...int) (pieces [][]byte) {
	from := 0
	for _, to := range append(at, len(body)) {
		pieces = append(pieces, body[from:to])
		from = to
	}
	return pieces
}

func TestPartsOfTheClientsOwnSizes(t *testing.T) {
	ctx := context.Background()
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		body := points(1, 2*upload.MinPartSize+5000)
		for name, c := range map[string]struct {
			at  []int
			own bool // the client lists its parts
		}{
			"uneven, with the client's list":    {[]int{upload.MinPartSize + 999}, true},
			"uneven, by what the bucket has":    {[]int{upload.MinPartSize + 999}, false},
			"the last is the smallest":          {[]int{upload.MinPartSize, 2 * upload.MinPartSize}, true},
			"one part for all":                  {nil, true},
			"the last is larger than the first": {[]int{upload.MinPartSize}, true},
		} {
			t.Run(name, func(t *testing.T) {
				pieces := pieced(body, c.at...)
				a, g, err := w.uploads.BeginOpenParts(ctx, w.who, w.xyz(), len(pieces), 0)
				if err != nil || g.Count != len(pieces) || g.PartSize != 0 || g.Size != 0 || len(g.Parts) != len(pieces) || a.Parts != len(pieces) {
					t.Fatalf("begin = %+v, %+v, %v", a, g.Plan, err)
				}
				u, _ := url.Parse(g.Parts[0].URL)
				if got := u.Query().Get("X-Amz-SignedHeaders"); got != "host" {
					t.Errorf("signed are %q, want the host alone", got)
				}
				sent := w.sendOpen(t, g, pieces...)
				if !c.own {
					sent = nil
				}
				ready, err := w.uploads.CompleteParts(ctx, w.who, a.ID, sent)
				if err != nil || ready.State != asset.Ready || ready.Type != "model/x-xyz" {
					t.Fatalf("complete = %+v, %v", ready, err)
				}
				w.deliverAll(t)
				w.wantOnly(t, w.get(t, a.ID), body)
			})
		}
	})
}

func TestPartsOfTheClientsOwnSizesThatDoNotFitAreNamed(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	a, g, err := w.uploads.BeginOpenParts(ctx, w.who, w.xyz(), 4, 0)
	if err != nil {
		t.Fatal(err)
	}
	whole := points(1, 2*upload.MinPartSize+2000)
	pieces := pieced(whole, upload.MinPartSize, 2*upload.MinPartSize)
	_, first := w.sendPart(t, g.Parts[0], pieces[0])
	_, second := w.sendPart(t, g.Parts[1], pieces[2]) // too small where it stands
	_, third := w.sendPart(t, g.Parts[2], pieces[1])
	sent := stripped([]blob.Part{{Number: 1, ETag: first}, {Number: 2, ETag: second}, {Number: 3, ETag: third}})
	wrong := slices.Clone(sent)
	wrong[2].ETag = "0123456789abcdef0123456789abcdef"
	for _, c := range []struct {
		name string
		sent []blob.Part
		want fault.Kind
		says []string
	}{
		{"without a list", nil, fault.Conflict, []string{"4 is not there", "2 is not of 5242880 to 5368709120 bytes, which every part but the last must have"}},
		{"with a wrong ETag", wrong, fault.Conflict, []string{"4 is not there", "2 is not of 5242880", "3 is there with another ETag", "4 is not in the list that was sent"}},
		{"parts that were never begun, and all else", []blob.Part{{Number: 1, ETag: "x"}, {Number: 5, ETag: "x"}, {Number: 7, ETag: "x"}}, fault.Invalid,
			[]string{"5, 7 are not in the plan of parts 1 to 4", "1 is there with another ETag", "4 is not there", "2 is not of 5242880", "2-4 are not in the list"}},
		{"one that comes twice", append(slices.Clone(sent), sent[0]), fault.Invalid, []string{"1 is listed more than once"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := w.uploads.CompleteParts(ctx, w.who, a.ID, c.sent)
			domaintest.WantKind(t, "complete", err, c.want)
			for _, want := range c.says {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("complete = %v; want it to say %q", err, want)
				}
			}
		})
	}
	if got := w.get(t, a.ID); got.Version != a.Version {
		t.Errorf("refusals wrote the row: version %d, was %d", got.Version, a.Version)
	}
	w.sendPart(t, g.Parts[1], pieces[1])
	w.sendPart(t, g.Parts[2], pieces[1])
	w.sendPart(t, g.Parts[3], pieces[2])
	if done, err := w.uploads.Complete(ctx, w.who, a.ID); err != nil || done.State != asset.Ready {
		t.Errorf("with all parts: %s, %v", done.State, err)
	}
}

func TestPartsOfTheClientsOwnSizesHaveALimitTogether(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	body := points(1, upload.MinPartSize+3000)
	pieces := pieced(body, upload.MinPartSize)
	d := w.xyz()
	d.MaxSize = int64(len(body)) - 1
	a, g, err := w.uploads.BeginOpenParts(ctx, w.who, d, 2, 0)
	if err != nil {
		t.Fatal(err)
	}
	w.sendOpen(t, g, pieces...)
	got, err := w.uploads.Complete(ctx, w.who, a.ID)
	if !fault.Is(err, fault.Conflict) || got.State != asset.Pending || !strings.Contains(err.Error(), "bytes together; at most") {
		t.Fatalf("complete = %s, %v; want a conflict about the limit", got.State, err)
	}
	w.sendPart(t, g.Parts[1], pieces[1][:bytes.LastIndexByte(pieces[1][:2000], '\n')+1])
	if done, err := w.uploads.Complete(ctx, w.who, a.ID); err != nil || done.State != asset.Ready {
		t.Errorf("with a smaller last part: %s, %v", done.State, err)
	}

	// Whoever joins them directly is met by the same limit.
	a, g, err = w.uploads.BeginOpenParts(ctx, w.who, d, 2, 0)
	if err != nil {
		t.Fatal(err)
	}
	sent := stripped(w.sendOpen(t, g, pieces...))
	if _, err := w.direct.CompleteParts(ctx, a.Source().Key(), g.Upload, sent, blob.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	w.deliverAll(t)
	if failed := w.get(t, a.ID); failed.State != asset.Failed || failed.Cause != asset.Rejected || !strings.Contains(failed.Failure, "at most") {
		t.Errorf("joined directly: %+v", failed)
	}
}

func TestPlanOfANumberOfParts(t *testing.T) {
	const mib = 1 << 20
	for name, c := range map[string]struct {
		count int
		size  int64
		want  upload.Plan
		field string
	}{
		"sizes of the client's own":      {10_000, 0, upload.Plan{Count: 10_000}, ""},
		"six even parts":                 {6, 30_000_000, upload.Plan{Size: 30_000_000, PartSize: 5 * mib, Count: 6}, ""},
		"four, a little uneven":          {4, 100*mib + 1, upload.Plan{Size: 100*mib + 1, PartSize: 25*mib + 1, Count: 4}, ""},
		"one small part":                 {1, 7, upload.Plan{Size: 7, PartSize: 7, Count: 1}, ""},
		"two, the last of one byte":      {2, 5*mib + 1, upload.Plan{Size: 5*mib + 1, PartSize: 5 * mib, Count: 2}, ""},
		"as large as S3 takes":           {10_000, upload.MaxSize, upload.Plan{Size: upload.MaxSize, PartSize: upload.MaxPartSize, Count: 10_000}, ""},
		"no part":                        {0, 0, upload.Plan{}, "total_parts"},
		"fewer than none":                {-1, 5, upload.Plan{}, "total_parts"},
		"more than S3 takes":             {10_001, 0, upload.Plan{}, "total_parts"},
		"too many for so few bytes":      {3, 5*mib + 1, upload.Plan{}, "total_parts"},
		"too few for so many bytes":      {1, upload.MaxPartSize + 1, upload.Plan{}, "total_parts"},
		"a size below nothing":           {1, -1, upload.Plan{}, "size_bytes"},
		"a size above what parts can be": {10_000, upload.MaxSize + 1, upload.Plan{}, "size_bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := upload.PlanCount(c.count, c.size)
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("PlanCount(%d, %d) (-want +got):\n%s", c.count, c.size, d)
			}
			fs := fault.FieldsOf(err)
			if c.field == "" && err != nil || c.field != "" && (len(fs) != 1 || fs[0].Name != c.field) {
				t.Errorf("PlanCount(%d, %d) = %v; want it to be about %q", c.count, c.size, err, c.field)
			}
		})
	}
}

func TestANumberOfPartsWithASizeBindsTheirLengths(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	body := points(1, upload.MinPartSize+3000)
	a, g, err := w.uploads.BeginOpenParts(ctx, w.who, w.xyz(), 2, int64(len(body)))
	if err != nil || g.PartSize != upload.MinPartSize || a.Parts != 0 || a.Expected != int64(len(body)) {
		t.Fatalf("begin = %+v, %+v, %v", a, g.Plan, err)
	}
	if status, _ := w.sendPart(t, g.Parts[1], body[:100]); status != http.StatusForbidden {
		t.Errorf("a part of another length was answered %d, want 403", status)
	}
	sent := w.sendParts(t, g, body)
	if done, err := w.uploads.CompleteParts(ctx, w.who, a.ID, sent); err != nil || done.State != asset.Ready {
		t.Fatalf("complete = %s, %v", done.State, err)
	}
	for name, c := range map[string]struct {
		edit  func(*upload.Draft)
		field string
	}{
		"more than the draft allows": {func(d *upload.Draft) { d.MaxSize = 100 }, "size_bytes"},
		"too many at once":           {func(d *upload.Draft) { d.FirstParts = upload.MaxParts + 1 }, "first"},
		"fewer than none at once":    {func(d *upload.Draft) { d.FirstParts = -1 }, "first"},
	} {
		d := w.xyz()
		c.edit(&d)
		_, _, err := w.uploads.BeginOpenParts(ctx, w.who, d, 2, int64(len(body)))
		if fs := fault.FieldsOf(err); len(fs) != 1 || fs[0].Name != c.field {
			t.Errorf("%s: %v; want it to be about %s", name, err, c.field)
		}
	}
}

func TestTenThousandPartsAtOnce(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	w.begin(t)
	d := w.xyz()
	d.FirstParts = upload.MaxParts
	var a asset.Asset
	var g upload.PartsGrant
	begin := cost(t, func(ctx context.Context) (err error) {
		a, g, err = w.uploads.BeginOpenParts(ctx, w.who, d, upload.MaxParts, 0)
		return err
	})
	if d := cmp.Diff(spent{0, 2, 2, map[string]int{"CreateMultipartUpload": 1}}, begin); d != "" {
		t.Errorf("begin (-want +got):\n%s", d)
	}
	distinct := map[string]bool{}
	for _, p := range g.Parts {
		distinct[p.URL] = true
	}
	if len(distinct) != upload.MaxParts || g.Next != 0 {
		t.Errorf("%d URLs, next %d; want 10,000 and none", len(distinct), g.Next)
	}
	for _, c := range []struct {
		name string
		q    upload.PartsQuery
		n    int
		next int
	}{
		{"all again", upload.PartsQuery{Max: upload.MaxParts}, 10_000, 0},
		{"all but the first, by their numbers", upload.PartsQuery{Numbers: upTo(2, 10_000), Max: upload.MaxParts}, 9_999, 0},
		{"a page of seven", upload.PartsQuery{Max: 7, From: 5}, 7, 12},
		{"without a number, a page", upload.PartsQuery{}, 1000, 1001},
	} {
		_, g, err := w.uploads.SignParts(ctx, w.who, a.ID, c.q)
		if err != nil || len(g.Parts) != c.n || g.Next != c.next {
			t.Errorf("%s: %d URLs, next %d, %v; want %d and %d", c.name, len(g.Parts), g.Next, err, c.n, c.next)
		}
	}
	for _, c := range []struct {
		name  string
		q     upload.PartsQuery
		field string
	}{
		{"more than an upload has", upload.PartsQuery{Max: 10_001}, "limit"},
		{"fewer than none", upload.PartsQuery{Max: -1}, "limit"},
		{"more numbers than a page", upload.PartsQuery{Numbers: upTo(1, 1001)}, "part_numbers"},
	} {
		_, _, err := w.uploads.SignParts(ctx, w.who, a.ID, c.q)
		if fs := fault.FieldsOf(err); len(fs) != 1 || fs[0].Name != c.field {
			t.Errorf("%s: %v; want it to be about %s", c.name, err, c.field)
		}
	}
}

func TestThePartsOfAnotherAttemptAreTheSame(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	a, _, err := w.uploads.BeginOpenParts(ctx, w.who, w.xyz(), 2, 0)
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(3 * time.Hour)
	w.mustSweep(t)
	w.mustCleanUp(t)
	next, way, err := w.uploads.Retry(ctx, w.who, a.ID, "")
	if err != nil || way.Parts == nil || way.Parts.Count != 2 || way.Parts.PartSize != 0 || next.Generation != 2 {
		t.Fatalf("retry = %+v, %+v, %v", next, way.Parts, err)
	}
	body := points(1, upload.MinPartSize+3000)
	w.sendOpen(t, *way.Parts, pieced(body, upload.MinPartSize)...)
	if done, err := w.uploads.Complete(ctx, w.who, a.ID); err != nil || done.State != asset.Ready {
		t.Errorf("complete = %s, %v", done.State, err)
	}
}
