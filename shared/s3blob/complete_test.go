package s3blob_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/s3blob"
)

// answering gives a driver of an S3 that answers every request so, over a real connection.
func answering(t *testing.T, tries int, h http.HandlerFunc) *s3blob.Bucket {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return s3blob.New(s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(srv.URL), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("A", "S", ""),
		HTTPClient:  srv.Client(),
		Retryer: retry.NewStandard(func(r *retry.StandardOptions) {
			r.MaxAttempts = tries
			r.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
	}), "assets", s3blob.Options{})
}

const declaration = `<?xml version="1.0" encoding="UTF-8"?>`

func wrong(code string) string {
	return `<Error><Code>` + code + `</Code><Message>as S3 says it</Message></Error>`
}

const joined = `<CompleteMultipartUploadResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><ETag>&quot;e-1&quot;</ETag>` +
	`<ChecksumCRC32C>AAAAAA==</ChecksumCRC32C><ChecksumType>FULL_OBJECT</ChecksumType></CompleteMultipartUploadResult>`

// slowly writes an answer the way S3 does while it joins parts: the status at once, then white space, then what became of it.
func slowly(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		w.Header().Set("X-Amz-Version-Id", "v1")
		w.WriteHeader(status)
		for _, piece := range []string{declaration, "\n", "  \n", body} {
			io.WriteString(w, piece)
			w.(http.Flusher).Flush()
		}
	}
}

// broken is slowly, and the connection ends where the body does.
func broken(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		slowly(200, body)(w, r)
		panic(http.ErrAbortHandler)
	}
}

func TestACompletionIsWhatItsBodySays(t *testing.T) {
	is := func(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }
	kind := func(k fault.Kind) func(error) bool { return func(err error) bool { return fault.Is(err, k) } }
	tooBig := "<Error><Code>InvalidRequest</Code><Message>The provided 'x-amz-mp-object-size' header value 1 does not match what was computed: 2</Message></Error>"
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   func(error) bool
	}{
		{"200 and then a result", slowly(200, joined), func(err error) bool { return err == nil }},
		{"200 and then InternalError", slowly(200, wrong("InternalError")), kind(fault.Unavailable)},
		{"200 and then SlowDown", slowly(200, wrong("SlowDown")), kind(fault.Throttled)},
		{"200 and then ServiceUnavailable", slowly(200, wrong("ServiceUnavailable")), kind(fault.Throttled)},
		{"200 and then RequestTimeout", slowly(200, wrong("RequestTimeout")), kind(fault.Unavailable)},
		{"200 and then BadDigest", slowly(200, wrong("BadDigest")), is(blob.ErrChecksum)},
		{"200 and then InvalidPart", slowly(200, wrong("InvalidPart")), kind(fault.Invalid)},
		{"200 and then NoSuchUpload", slowly(200, wrong("NoSuchUpload")), is(blob.ErrNotFound)},
		{"200 and then PreconditionFailed, of which a repeat cannot know whether it met itself", slowly(200, wrong("PreconditionFailed")),
			func(err error) bool { return errors.Is(err, blob.ErrExists) || fault.Is(err, fault.Unavailable) }},
		{"200 and nothing more", slowly(200, ""), kind(fault.Unavailable)},
		{"200 and a connection that ends", broken(""), kind(fault.Unavailable)},
		{"200 and a connection that ends in a result", broken(joined[:60]), kind(fault.Unavailable)},
		{"200 and a connection that ends in an error", broken(wrong("InternalError")[:20]), kind(fault.Unavailable)},
		{"400 BadDigest", slowly(400, wrong("BadDigest")), is(blob.ErrChecksum)},
		{"500 BadDigest, which S3 says too", slowly(500, wrong("BadDigest")), is(blob.ErrChecksum)},
		{"400 for the sum of the sizes", slowly(400, tooBig), kind(fault.Invalid)},
		{"400 for something else in the request", slowly(400, wrong("InvalidRequest")), kind(fault.Internal)},
		{"400 EntityTooSmall", slowly(400, wrong("EntityTooSmall")), kind(fault.Invalid)},
		{"400 InvalidPartOrder", slowly(400, wrong("InvalidPartOrder")), kind(fault.Invalid)},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, tries := range []int{1, 3} {
				_, err := answering(t, tries, c.answer).CompleteParts(context.Background(), key, "up",
					[]blob.Part{{Number: 1, ETag: "e", Size: 1}}, blob.PutOptions{})
				if !c.want(err) {
					t.Errorf("CompleteParts with %d tries = %v (kind %v)", tries, err, fault.KindOf(err))
				}
			}
		})
	}
}

func TestACompletionTellsWhatS3Says(t *testing.T) {
	o := blob.PutOptions{Type: "video/mp4", Checksum: blob.Checksum{Algorithm: blob.CRC32C}}
	got, err := answering(t, 1, slowly(200, joined)).CompleteParts(context.Background(), key, "up", []blob.Part{{Number: 1, ETag: "e", Size: 7}}, o)
	if err != nil || got.ETag != "e-1" || got.Version != "v1" || got.Size != 7 || got.Checksum.Value != "AAAAAA==" || got.Type != o.Type {
		t.Errorf("CompleteParts = %+v, %v; want what the answer said", got, err)
	}
}

func TestOnlyTheContextBoundsACompletion(t *testing.T) {
	free := make(chan struct{})
	defer close(free)
	b := answering(t, 3, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		io.WriteString(w, declaration)
		w.(http.Flusher).Flush()
		select { // S3 joins for minutes
		case <-free:
		case <-r.Context().Done():
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := b.CompleteParts(ctx, key, "up", []blob.Part{{Number: 1, ETag: "e", Size: 1}}, blob.PutOptions{})
	if !fault.Is(err, fault.Unavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("CompleteParts = %v, want fault.Unavailable because the time ran out", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("CompleteParts took %v after its time ran out", took)
	}
}

// without takes a header out of the answers of the real server.
func without(name string) attempt {
	return func(w *wire, r *http.Request) (*http.Response, error) {
		resp, err := w.next.Do(r)
		if err == nil {
			resp.Header.Del(name)
		}
		return resp, err
	}
}

func TestACompletionWithoutAVersionIsLookedUp(t *testing.T) {
	b, s := open(t)
	ctx := context.Background()
	up := startParts(t, b, blob.PutOptions{Type: "video/mp4"})
	p := putPart(t, b, up, 1, "only")
	done, err := behind(s, 1, without("X-Amz-Version-Id")).CompleteParts(ctx, key, up, []blob.Part{p}, blob.PutOptions{})
	now, headErr := b.Head(ctx, key, "")
	if err != nil || headErr != nil || done.Version != now.Version || done.Version == "" || done.Type != "video/mp4" {
		t.Errorf("CompleteParts = %+v, %v; want the version that is there: %+v, %v", done, err, now, headErr)
	}
	other := startParts(t, b, blob.PutOptions{})
	p = putPart(t, b, other, 1, "other")
	late := func(w *wire, r *http.Request) (*http.Response, error) {
		resp, err := without("X-Amz-Version-Id")(w, r)
		put(t, b, key, "in between", blob.PutOptions{})
		return resp, err
	}
	if got, err := behind(s, 1, late).CompleteParts(ctx, key, other, []blob.Part{p}, blob.PutOptions{}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("CompleteParts = %+v, %v; want fault.Unavailable: the current version is another one", got, err)
	}
}

func TestALostAnswerToACompletion(t *testing.T) {
	b, s := open(t)
	ctx := context.Background()
	up := startParts(t, b, blob.PutOptions{})
	ps := []blob.Part{putPart(t, b, up, 1, bigPart), putPart(t, b, up, 2, "end")}
	if _, err := behind(s, 1, loses).CompleteParts(ctx, key, up, ps, blob.PutOptions{}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("CompleteParts whose answer was lost = %v, want fault.Unavailable", err)
	}
	made, err := b.Head(ctx, key, "")
	if err != nil || made.Size != partSize+3 {
		t.Fatalf("Head = %+v, %v; want what was made", made, err)
	}
	for name, c := range map[string]*s3blob.Bucket{"repeated by the caller": b, "repeated by the SDK": behind(s, 3, loses)} {
		again, err := c.CompleteParts(ctx, key, up, ps, blob.PutOptions{})
		if err != nil || again.Version != made.Version || again.ETag != made.ETag {
			t.Errorf("CompleteParts %s = %+v, %v; want the answer that was lost: %+v", name, again, err, made)
		}
	}
	if vs, err := b.Versions(ctx, key, 0); err != nil || len(vs) != 1 {
		t.Errorf("Versions = %v, %v; want one", vs, err)
	}
}

func TestCompletionsAtOnceMakeOneVersion(t *testing.T) {
	b, _ := open(t)
	ctx := context.Background()
	up := startParts(t, b, blob.PutOptions{})
	ps := []blob.Part{putPart(t, b, up, 1, bigPart), putPart(t, b, up, 2, "end")}
	var wg sync.WaitGroup
	versions, errs := make([]string, 8), make([]error, 8)
	for i := range versions {
		wg.Go(func() {
			o, err := b.CompleteParts(ctx, key, up, ps, blob.PutOptions{})
			versions[i], errs[i] = o.Version, err
		})
	}
	wg.Wait()
	vs, err := b.Versions(ctx, key, 0)
	if err != nil || len(vs) != 1 {
		t.Fatalf("Versions = %v, %v; want one", vs, err)
	}
	for i := range versions {
		if errs[i] != nil && !errors.Is(errs[i], blob.ErrNotFound) || errs[i] == nil && versions[i] != vs[0].Version {
			t.Errorf("completion %d = %s, %v; want version %s or ErrNotFound", i, versions[i], errs[i], vs[0].Version)
		}
	}
	if us, err := b.Uploads(ctx, ""); err != nil || len(us) != 0 {
		t.Errorf("Uploads = %v, %v; want none", us, err)
	}
}

func TestARefusedCompletionCanBeDoneRight(t *testing.T) {
	b, _ := open(t)
	ctx := context.Background()
	up := startParts(t, b, blob.PutOptions{})
	one, two := putPart(t, b, up, 1, bigPart), putPart(t, b, up, 3, "end")
	with := func(p blob.Part, change func(*blob.Part)) blob.Part { change(&p); return p }
	many := make([]blob.Part, 10_001)
	for i := range many {
		many[i] = blob.Part{Number: i + 1, ETag: one.ETag, Size: partSize}
	}
	for name, ps := range map[string][]blob.Part{
		"no parts":                  nil,
		"too many parts":            many,
		"part 0":                    {with(one, func(p *blob.Part) { p.Number = 0 })},
		"part 10,001":               {one, with(two, func(p *blob.Part) { p.Number = 10_001 })},
		"a part twice":              {one, one, two},
		"parts out of order":        {two, one},
		"a part nobody sent":        {one, with(one, func(p *blob.Part) { p.Number = 2 }), two},
		"the ETag of another part":  {one, with(two, func(p *blob.Part) { p.ETag = one.ETag })},
		"an empty ETag":             {one, with(two, func(p *blob.Part) { p.ETag = "" })},
		"an ETag that is none":      {one, with(two, func(p *blob.Part) { p.ETag = `<"ü&>` })},
		"an ETag of half a byte":    {one, with(two, func(p *blob.Part) { p.ETag = "abc" })},
		"a size that is too small":  {one, with(two, func(p *blob.Part) { p.Size = 1 })},
		"a size that is too large":  {with(one, func(p *blob.Part) { p.Size++ }), two},
		"an ETag that was replaced": {with(one, func(p *blob.Part) { p.ETag = strings.Repeat("0", 32) }), two},
	} {
		if _, err := b.CompleteParts(ctx, key, up, ps, blob.PutOptions{}); !fault.Is(err, fault.Invalid) {
			t.Errorf("CompleteParts with %s = %v, want fault.Invalid", name, err)
		}
	}
	wantEmpty(t, b)
	if done, err := b.CompleteParts(ctx, key, up, []blob.Part{one, two}, blob.PutOptions{}); err != nil || done.Size != partSize+3 {
		t.Errorf("CompleteParts after the refusals = %+v, %v; want the whole", done, err)
	}
}

func TestAnUploadIsNotTakenForAnotherOfItsKey(t *testing.T) {
	b, _ := open(t)
	ctx := context.Background()
	first := startParts(t, b, blob.PutOptions{})
	p := putPart(t, b, first, 1, "the same bytes")
	if _, err := b.CompleteParts(ctx, key, first, []blob.Part{p}, blob.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	dropped := startParts(t, b, blob.PutOptions{})
	putPart(t, b, dropped, 1, "the same bytes")
	if err := b.AbortParts(ctx, key, dropped); err != nil {
		t.Fatal(err)
	}
	for name, up := range map[string]string{"an unknown upload": "0123456789abcdef", "an aborted one with the same bytes": dropped} {
		if got, err := b.CompleteParts(ctx, key, up, []blob.Part{p}, blob.PutOptions{}); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("CompleteParts of %s = %+v, %v; want ErrNotFound", name, got, err)
		}
	}
	put(t, b, key, "newer", blob.PutOptions{})
	if got, err := b.CompleteParts(ctx, key, first, []blob.Part{p}, blob.PutOptions{}); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("CompleteParts again when another version came = %+v, %v; want ErrNotFound", got, err)
	}
}

func TestUploadsListsWhatIsOpen(t *testing.T) {
	b, s := open(t)
	ctx := context.Background()
	began := time.Now().Add(-time.Minute)
	// More than one page: some keys have several uploads, and pages end among them.
	want := map[string]string{}
	var wg sync.WaitGroup
	var mu sync.Mutex
	for i := range 1_010 {
		k := fmt.Sprintf("w/ws/%03d/source", i/7)
		wg.Go(func() {
			up, err := b.StartParts(ctx, k, blob.PutOptions{})
			if err != nil {
				t.Errorf("StartParts(%s) = %v", k, err)
			}
			mu.Lock()
			defer mu.Unlock()
			want[up] = k
		})
		if i%64 == 0 {
			wg.Wait()
		}
	}
	wg.Wait()
	if _, err := b.StartParts(ctx, "w/other/source", blob.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	check := func(when, prefix string, requests int) {
		t.Helper()
		ctx, meter := blob.WithMeter(ctx)
		got, err := b.Uploads(ctx, prefix)
		if err != nil || meter.ByOperation()["ListMultipartUploads"] != requests {
			t.Fatalf("Uploads(%s) %s = %v with %v, want %d requests", prefix, when, err, meter.ByOperation(), requests)
		}
		found := map[string]bool{}
		for i, u := range got {
			if want[u.ID] != u.Key || found[u.ID] || u.Started.Before(began) || i > 0 && u.Key < got[i-1].Key {
				t.Errorf("Uploads(%s) %s has %+v, which is unknown, a second time there, too old or out of order", prefix, when, u)
			}
			found[u.ID] = true
		}
		for up, k := range want {
			if strings.HasPrefix(k, prefix) && !found[up] {
				t.Errorf("Uploads(%s) %s lacks %s of %s", prefix, when, up, k)
			}
		}
	}
	check("at first", "w/ws/", 2)
	check("of one key", "w/ws/003/source", 1)
	n := 0
	for up, k := range want {
		if n++; n > 20 {
			break
		}
		if n%2 == 0 {
			if err := b.AbortParts(ctx, k, up); err != nil {
				t.Fatal(err)
			}
		} else {
			p, err := b.PutPart(ctx, k, up, 1, strings.NewReader("x"), 1)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := b.CompleteParts(ctx, k, up, []blob.Part{p}, blob.PutOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		delete(want, up)
	}
	check("after some ended", "w/ws/", 1)
	if got, err := b.Uploads(ctx, "w/nobody/"); err != nil || len(got) != 0 {
		t.Errorf("Uploads of a prefix without any = %v, %v; want none", got, err)
	}
	if _, err := behind(s, 1, says(403, "AccessDenied")).Uploads(ctx, ""); !fault.Is(err, fault.Internal) || err == nil {
		t.Errorf("Uploads without the right = %v, want an internal error", err)
	}
}
