package upload_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/blob/blobtest"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/upload"
)

// through gives the uploads of a world over another bucket.
func (w *world) through(b upload.Bucket, o upload.Options) *upload.Service {
	o.Now = w.clock.Now
	return upload.New(upload.Parts{Table: w.table, Bucket: b, Assets: w.assets, Workspaces: w.accounts}, o)
}

func TestPartsThatDoNotFitAreNamed(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	a, g := w.beginParts(t, 4*upload.MinPartSize+1)
	body := tall(1, 4*upload.MinPartSize+1)
	sent := stripped(w.sendParts(t, g, body, 2)) // 1, 3, 4, 5
	short := []byte("not five MiB")
	if _, err := w.bucket.PutPart(ctx, a.Source().Key(), g.Upload, 4, strings.NewReader(string(short)), int64(len(short))); err != nil {
		t.Fatal(err)
	}
	wrong := slices.Clone(sent)
	wrong[0].ETag = "0123456789abcdef0123456789abcdef"
	for _, c := range []struct {
		name string
		sent []blob.Part
		want fault.Kind
		says []string
	}{
		{"without a list, all that is wrong is named", nil, fault.Conflict, []string{"2 is not there", "4 is not of the planned 5242880 bytes (1 for the last)"}},
		{"a list with a wrong ETag", wrong, fault.Conflict, []string{"2 is not there", "1, 4 are there with another ETag", "2 is not in the list that was sent"}},
		{"number 0", []blob.Part{{Number: 0, ETag: "x"}}, fault.Invalid, []string{"0 is not in the plan"}},
		{"number 10,001 and a duplicate", []blob.Part{{Number: 10_001, ETag: "x"}, {Number: 1, ETag: "x"}, {Number: 1, ETag: "y"}}, fault.Invalid,
			[]string{"10001 is not in the plan of parts 1 to 5", "1 is listed more than once"}},
		{"more than 10,000", make([]blob.Part, 10_001), fault.Invalid, []string{"10001 were sent"}},
		{"no ETags", []blob.Part{{Number: 1}, {Number: 2, ETag: `""`}, {Number: 3, ETag: "x"}}, fault.Invalid, []string{"1-2 without an ETag"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := w.uploads.CompleteParts(ctx, w.who, a.ID, c.sent)
			domaintest.WantKind(t, "complete", err, c.want)
			var says []string
			for _, f := range fault.FieldsOf(err) {
				if f.Name != "parts" {
					t.Errorf("it is about the field %q", f.Name)
				}
				says = append(says, f.Message)
			}
			all := strings.Join(says, "\n")
			for _, want := range c.says {
				if !strings.Contains(all, want) || !strings.Contains(err.Error(), want) {
					t.Errorf("complete = %v; want it to say %q", err, want)
				}
			}
			if c.want == fault.Conflict && got.State != asset.Pending {
				t.Errorf("answered %s", got.State)
			}
		})
	}
	if got := w.get(t, a.ID); got.Version != a.Version {
		t.Errorf("refusals wrote the row: version %d, was %d", got.Version, a.Version)
	}
	for _, n := range []int{2, 4} {
		from := int64(n-1) * g.PartSize
		if status, _ := w.sendPart(t, g.Parts[n-1], body[from:from+g.Length(n)]); status != http.StatusOK {
			t.Fatalf("part %d answered %d", n, status)
		}
	}
	if done, err := w.uploads.Complete(ctx, w.who, a.ID); err != nil || done.State != asset.Ready {
		t.Fatalf("with all parts: %s, %v", done.State, err)
	}
	w.wantOnly(t, w.get(t, a.ID), body)
}

func TestPartsForAnAssetThatDoesNotComeByThem(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	a, g := w.begin(t)
	_, err := w.uploads.CompleteParts(ctx, w.who, a.ID, []blob.Part{{Number: 1, ETag: "x"}})
	domaintest.WantKind(t, "complete a form upload with parts", err, fault.Invalid)
	w.mustSend(t, g, picture(1))
	if done, err := w.uploads.CompleteParts(ctx, w.who, a.ID, nil); err != nil || done.State != asset.Ready {
		t.Errorf("complete without = %s, %v", done.State, err)
	}
}

// lister is a bucket that says of one upload that it has parts which nobody sent: 10,000 real ones are 50 GB.
type lister struct {
	*blobtest.Bucket
	upload string
	parts  []blob.Part // in order of their numbers
}

func (l *lister) ListParts(ctx context.Context, key, up string, after, limit int) ([]blob.Part, bool, error) {
	if _, _, err := l.Bucket.ListParts(ctx, key, up, after, limit); err != nil || up != l.upload {
		return nil, false, err
	}
	at, _ := slices.BinarySearchFunc(l.parts, after+1, func(p blob.Part, n int) int { return p.Number - n })
	page := l.parts[at:min(at+limit, len(l.parts))]
	return page, at+limit < len(l.parts), nil
}

func TestTenThousandParts(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	a, g, err := w.uploads.BeginParts(ctx, w.who, w.draft(), upload.MaxSize, 0)
	if err != nil || g.Count != upload.MaxParts {
		t.Fatalf("begin = %+v, %v", g.Plan, err)
	}
	urls := map[string]bool{}
	for next := 1; next != 0; {
		_, page, err := w.uploads.SignParts(ctx, w.who, a.ID, upload.PartsQuery{From: next})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.Parts {
			urls[p.URL] = true
		}
		next = page.Next
	}
	if len(urls) != upload.MaxParts {
		t.Errorf("%d different URLs, want 10,000", len(urls))
	}
	all := make([]blob.Part, upload.MaxParts)
	for i := range all {
		all[i] = blob.Part{Number: i + 1, ETag: fmt.Sprintf("%032x", i), Size: g.Length(i + 1)}
	}
	but := func(out func(n int) bool) []blob.Part {
		return slices.DeleteFunc(slices.Clone(all), func(p blob.Part) bool { return out(p.Number) })
	}
	for _, c := range []struct {
		name        string
		there, sent []blob.Part
		says        string
	}{
		{"all are there: the bucket itself refuses, for it has none of them", all, nil, "while they were being joined"},
		{"all are there, and listed by the client", all, all, "while they were being joined"},
		{"one is missing at the end of a page", but(func(n int) bool { return n == 3000 }), nil, "3000 is not there"},
		{"ranges are missing across pages", but(func(n int) bool { return n >= 999 && n <= 2002 || n > 9_998 }), nil, "999-2002, 9999-10000 are not there"},
		{"only the last is there", all[9_999:], nil, "1-9999 are not there"},
		{"nothing is there", nil, nil, "1-10000 are not there"},
		{"the client lists only a page of them", all, all[:1000], "1001-10000 are not in the list that was sent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := w.through(&lister{w.bucket, g.Upload, c.there}, upload.Options{})
			if _, err := s.CompleteParts(ctx, w.who, a.ID, c.sent); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("complete = %.300v; want a conflict that says %q", err, c.says)
			}
		})
	}
	every2nd := w.through(&lister{w.bucket, g.Upload, but(func(n int) bool { return n%2 == 0 })}, upload.Options{})
	_, err = every2nd.Complete(ctx, w.who, a.ID)
	if n := strings.Count(err.Error(), ", "); n < 4_999 {
		t.Errorf("with every other part missing %d numbers are named", n)
	}
}

// slow is a bucket that joins parts for longer than anybody waits, and goes on when nobody does.
type slow struct {
	*blobtest.Bucket
	done chan error
}

func (s *slow) CompleteParts(ctx context.Context, key, up string, ps []blob.Part, o blob.PutOptions) (blob.Object, error) {
	<-ctx.Done()
	go func() {
		_, err := s.Bucket.CompleteParts(context.WithoutCancel(ctx), key, up, ps, o)
		s.done <- err
	}()
	return blob.Object{}, fault.Wrap(ctx.Err(), fault.Unavailable, "no answer")
}

func TestJoiningThatOutlastsTheRequestIsSettledByItsEvent(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	a, g := w.beginParts(t, twoParts)
	body := tall(1, twoParts)
	w.sendParts(t, g, body)
	b := &slow{w.bucket, make(chan error, 1)}
	got, err := w.through(b, upload.Options{CompleteWithin: 10 * time.Millisecond}).Complete(ctx, w.who, a.ID)
	if err != nil || got.State != asset.Pending {
		t.Fatalf("complete = %s, %v; want the pending asset", got.State, err)
	}
	if err := <-b.done; err != nil {
		t.Fatal(err)
	}
	w.deliverAll(t)
	w.wantOnly(t, w.get(t, a.ID), body)

	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	other, g := w.beginParts(t, twoParts)
	w.sendParts(t, g, body)
	if got, err := w.uploads.Complete(cancelled, w.who, other.ID); err == nil {
		t.Errorf("complete for a client that went away = %s, want an error", got.State)
	}
}

func TestAnUploadIsNotGivenUpWhileItIsJoined(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	w.mustSweep(t)
	a, g := w.beginParts(t, onePart)
	w.sendParts(t, g, tall(1, onePart))
	w.clock.Advance(upload.DefaultPartGrant + upload.DefaultSlack - time.Minute)
	w.fault = func(c blobtest.Call) blobtest.Fault {
		if c.Method == "CompleteParts" { // the bucket takes its time, and the sweeper comes by
			w.clock.Advance(upload.DefaultPartGrant)
			w.fault = nil
			w.mustSweep(t)
			w.mustCleanUp(t)
		}
		return blobtest.None
	}
	if got, err := w.uploads.Complete(ctx, w.who, a.ID); err != nil || got.State != asset.Ready {
		t.Errorf("complete = %s, %v", got.State, err)
	}
	if got := w.get(t, a.ID); got.State != asset.Ready || got.Version != a.Version+2 {
		t.Errorf("the row is %s after %d writes, want it extended and settled", got.State, got.Version-a.Version)
	}

	late, g := w.beginParts(t, onePart)
	w.sendParts(t, g, tall(1, onePart))
	w.clock.Advance(3 * time.Hour)
	w.fault = func(c blobtest.Call) blobtest.Fault {
		if c.Method == "ListParts" { // the sweeper is faster than the client
			w.fault = nil
			w.mustSweep(t)
		}
		return blobtest.None
	}
	if got, err := w.uploads.Complete(ctx, w.who, late.ID); err != nil || got.State != asset.Failed {
		t.Errorf("complete of what was given up meanwhile = %s, %v; want the failed asset", got.State, err)
	}
}

func TestAnUploadThatTheBucketNoLongerHas(t *testing.T) {
	ctx := context.Background()
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))
		t.Run("it was aborted: the asset fails, says so, and a retry begins another", func(t *testing.T) {
			a, g := w.beginParts(t, twoParts)
			body := tall(1, twoParts)
			w.sendParts(t, g, body)
			if err := w.direct.AbortParts(ctx, a.Source().Key(), g.Upload); err != nil {
				t.Fatal(err)
			}
			_, _, err := w.uploads.ListParts(ctx, w.who, a.ID, 0, 10)
			domaintest.WantKind(t, "list", err, fault.Conflict)
			got, err := w.uploads.Complete(ctx, w.who, a.ID)
			if err != nil || got.State != asset.Failed || got.Cause != asset.Expired || !strings.Contains(got.Failure, "no longer exists") {
				t.Fatalf("complete = %s (%s) %q, %v", got.State, got.Cause, got.Failure, err)
			}
			again, err := w.uploads.Complete(ctx, w.who, a.ID)
			if d := cmp.Diff(got, again); err != nil || d != "" {
				t.Errorf("second complete: %v (-first +second):\n%s", err, d)
			}
			next, way, err := w.uploads.Retry(ctx, w.who, a.ID, "")
			if err != nil || next.Generation != 2 || way.Form != nil || way.Parts == nil || way.Parts.Upload == g.Upload || way.Parts.Plan != g.Plan {
				t.Fatalf("retry = %+v, %+v, %v", next, way, err)
			}
			w.mustCleanUp(t)
			if status, _ := w.sendPart(t, g.Parts[1], body[upload.MinPartSize:]); status != http.StatusNotFound {
				t.Errorf("a part of the first attempt answered %d, want 404", status)
			}
			w.sendParts(t, *way.Parts, body)
			if done, err := w.uploads.Complete(ctx, w.who, a.ID); err != nil || done.State != asset.Ready {
				t.Fatalf("complete of the second = %s, %v", done.State, err)
			}
			w.deliverAll(t)
			w.wantOnly(t, w.get(t, a.ID), body)
		})
		t.Run("it was joined, and neither event nor answer came: complete looks for the object", func(t *testing.T) {
			a, g := w.beginParts(t, twoParts)
			body := tall(2, twoParts)
			if _, err := w.direct.CompleteParts(ctx, a.Source().Key(), g.Upload, stripped(w.sendParts(t, g, body)), blob.PutOptions{}); err != nil {
				t.Fatal(err)
			}
			if got, err := w.uploads.Complete(ctx, w.who, a.ID); err != nil || got.State != asset.Ready {
				t.Fatalf("complete = %s, %v", got.State, err)
			}
			w.wantOnly(t, w.get(t, a.ID), body)
		})
		t.Run("it was joined from too few parts: the object is rejected and removed", func(t *testing.T) {
			a, g := w.beginParts(t, twoParts)
			sent := stripped(w.sendParts(t, g, tall(3, twoParts), 2))
			if _, err := w.direct.CompleteParts(ctx, a.Source().Key(), g.Upload, sent, blob.PutOptions{}); err != nil {
				t.Fatal(err)
			}
			w.deliverAll(t)
			got := w.get(t, a.ID)
			if got.State != asset.Failed || got.Cause != asset.Rejected || !strings.Contains(got.Failure, fmt.Sprint(twoParts)) {
				t.Errorf("after the event: %s (%s) %q", got.State, got.Cause, got.Failure)
			}
			w.mustCleanUp(t)
			if vs := w.versions(t, a); len(vs) != 0 {
				t.Errorf("the bucket holds %v", vs)
			}
		})
	})
}

// held is a bucket that keeps an upload from others for one call, as one does that is joining it.
type held struct {
	*blobtest.Bucket
	once sync.Once
}

func (h *held) ListParts(ctx context.Context, key, up string, after, limit int) (ps []blob.Part, more bool, err error) {
	h.once.Do(func() { err = fmt.Errorf("list: %w", blob.ErrNotFound) })
	if err != nil {
		return nil, false, err
	}
	return h.Bucket.ListParts(ctx, key, up, after, limit)
}

func TestAnUploadThatAnotherIsJoiningIsNotGivenUp(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	a, g := w.beginParts(t, onePart)
	w.sendParts(t, g, tall(1, onePart))
	s := w.through(&held{Bucket: w.bucket}, upload.Options{})
	_, err := s.Complete(ctx, w.who, a.ID)
	domaintest.WantKind(t, "complete while another is at it", err, fault.Unavailable)
	if got, err := s.Complete(ctx, w.who, a.ID); err != nil || got.State != asset.Ready {
		t.Errorf("the repeat = %s, %v", got.State, err)
	}
}

// The change feed alone ends what an attempt leaves in the bucket: no sweeper has to come.
func TestTheFeedAbortsTheUploadOfAnAttemptThatEnded(t *testing.T) {
	ctx := context.Background()
	for name, end := range map[string]func(t *testing.T, w *world, a asset.Asset){
		"given up": func(t *testing.T, w *world, a asset.Asset) {
			if got, err := w.uploads.Expire(ctx, a); err != nil || got.Cause != asset.Expired {
				t.Fatalf("expire = %+v, %v", got, err)
			}
		},
		"deleted": func(t *testing.T, w *world, a asset.Asset) {
			if err := w.assets.Delete(ctx, w.who, a.ID); err != nil {
				t.Fatal(err)
			}
		},
		"superseded": func(t *testing.T, w *world, a asset.Asset) {
			if _, err := w.uploads.Expire(ctx, a); err != nil {
				t.Fatal(err)
			}
			w.fed = w.end(t) // the clean-up of the failure is still to come, in another process
			if _, _, err := w.uploads.Retry(ctx, w.who, a.ID, ""); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, drivers.SQLite(t))
			a, g := w.beginParts(t, onePart)
			w.sendParts(t, g, tall(1, onePart))
			end(t, w, a)
			w.mustCleanUp(t)
			w.mustCleanUp(t)
			for _, u := range w.uploadsOf(t, a) {
				if u.ID == a.Upload {
					t.Errorf("upload %s is still open", u.ID)
				}
			}
		})
	}
}

func TestBytesThatAreNoGoodFailAnUploadByParts(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	a, g := w.beginParts(t, int64(len(html)))
	w.sendParts(t, g, html)
	got, err := w.uploads.Complete(ctx, w.who, a.ID)
	if err != nil || got.State != asset.Failed || got.Cause != asset.Rejected {
		t.Fatalf("complete = %s (%s), %v", got.State, got.Cause, err)
	}
	w.mustCleanUp(t)
	w.deliverAll(t)
	if vs, us := w.versions(t, a), w.uploadsOf(t, a); len(vs)+len(us) != 0 {
		t.Errorf("the bucket holds %v and the uploads %v", vs, us)
	}
	_, _, err = w.uploads.Retry(ctx, w.who, a.ID, "https://example.com/a.png")
	if fields := fault.FieldsOf(err); !fault.Is(err, fault.Invalid) || len(fields) != 1 || fields[0].Name != "source" {
		t.Errorf("retry with a source = %v; want it refused", err)
	}
}

// A form's size is limited by the service, that of parts by their plan.
func TestALargerFileThanAFormTakesComesByParts(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	s := w.through(w.bucket, upload.Options{MaxSize: 1000})
	a, g := w.beginParts(t, twoParts)
	w.sendParts(t, g, tall(1, twoParts))
	if got, err := s.Complete(ctx, w.who, a.ID); err != nil || got.State != asset.Ready {
		t.Errorf("complete = %s %q, %v", got.State, got.Failure, err)
	}
}
