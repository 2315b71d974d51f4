package versity_test

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/infra/local/versity/versitytest"
	"github.com/assetry/assetry/shared/blob"
)

// recorder keeps the events of a bucket.
type recorder struct {
	mu     sync.Mutex
	events []versity.Event
}

func (r *recorder) record(e versity.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// take gives the events since the last call.
func (r *recorder) take() []versity.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	es := r.events
	r.events = nil
	return es
}

func TestEveryWayToMakeAnObjectIsReportedBeforeItsAnswer(t *testing.T) {
	s := versitytest.Start(t)
	b := driver(s.Server, s.Bucket)
	ctx := context.Background()
	var r recorder
	s.OnEvent(r.record)
	weird := "w/ü/a b+c%25/source"
	for _, c := range []struct {
		name, event, key string
		make             func(t *testing.T) blob.Object
	}{
		{"a PUT", "ObjectCreated:Put", key, func(t *testing.T) blob.Object { return put(t, b, key, "pixels") }},
		{"an empty PUT", "ObjectCreated:Put", "w/empty", func(t *testing.T) blob.Object { return put(t, b, "w/empty", "") }},
		{"a PUT to a key with odd characters", "ObjectCreated:Put", weird, func(t *testing.T) blob.Object { return put(t, b, weird, "pixels") }},
		{"a PUT whose checksum follows its body", "ObjectCreated:Put", "w/trailer", func(t *testing.T) blob.Object { return putTrailer(t, s, "w/trailer") }},
		{"a browser's form", "ObjectCreated:Post", weird, func(t *testing.T) blob.Object {
			if got := sendForm(t, s.Server, b, weird, "more pixels"); got != 204 {
				t.Fatalf("form answered %d, want 204", got)
			}
			return blob.Object{}
		}},
		{"a copy", "ObjectCreated:Copy", "w/copy", func(t *testing.T) blob.Object {
			src, err := b.Head(ctx, weird, "")
			if err != nil {
				t.Fatal(err)
			}
			o, err := b.Copy(ctx, weird, src.Version, "w/copy", blob.PutOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return o
		}},
		{"a completed multipart upload", "ObjectCreated:CompleteMultipartUpload", "w/parts", func(t *testing.T) blob.Object { return putParts(t, b, "w/parts") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			made := c.make(t)
			got := r.take() // at once: the answer came after the event
			o, err := b.Head(ctx, c.key, made.Version)
			if err != nil {
				t.Fatal(err)
			}
			want := []versity.Event{{Name: c.event, Bucket: s.Bucket, Key: c.key, Version: o.Version, ETag: o.ETag, Size: o.Size}}
			if d := cmp.Diff(want, got, cmpopts.IgnoreFields(versity.Event{}, "Time")); d != "" || got[0].Time.IsZero() {
				t.Errorf("events (-want +got):\n%s", d)
			}
		})
	}
}

// putTrailer writes the way the SDK does over TLS by default: in chunks, with the checksum after the body.
func putTrailer(t *testing.T, s *versitytest.Server, key string) blob.Object {
	t.Helper()
	const text = "checked"
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(text)))
	body := fmt.Sprintf("%x\r\n%s\r\n0\r\nx-amz-checksum-crc32:%s\r\n\r\n", len(text), text, base64.StdEncoding.EncodeToString(sum))
	req, err := http.NewRequest("PUT", s.URL()+"/"+s.Bucket+"/"+key, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	const payload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	for k, v := range map[string]string{
		"Content-Encoding": "aws-chunked", "X-Amz-Content-Sha256": payload, "X-Amz-Trailer": "x-amz-checksum-crc32",
		"X-Amz-Decoded-Content-Length": fmt.Sprint(len(text)),
	} {
		req.Header.Set(k, v)
	}
	creds := aws.Credentials{AccessKeyID: versitytest.AccessKey, SecretAccessKey: versitytest.SecretKey}
	if err := v4.NewSigner().SignHTTP(context.Background(), creds, req, payload, "s3", versity.DefaultRegion, time.Now()); err != nil {
		t.Fatal(err)
	}
	resp, err := s.HTTP().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if answer, _ := io.ReadAll(resp.Body); resp.StatusCode != 200 {
		t.Fatalf("PUT in chunks answered %d %s", resp.StatusCode, answer)
	}
	return blob.Object{Version: resp.Header.Get("X-Amz-Version-Id")}
}

func putParts(t *testing.T, b blob.Bucket, key string) blob.Object {
	t.Helper()
	ctx := context.Background()
	up, err := b.StartParts(ctx, key, blob.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var ps []blob.Part
	for i, body := range []string{strings.Repeat("a", 5<<20), "end"} {
		p, err := b.PutPart(ctx, key, up, i+1, strings.NewReader(body), int64(len(body)))
		if err != nil {
			t.Fatal(err)
		}
		ps = append(ps, p)
	}
	o, err := b.CompleteParts(ctx, key, up, ps, blob.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestWhatMakesNoObjectIsNotReported(t *testing.T) {
	s := versitytest.Start(t)
	b := driver(s.Server, s.Bucket)
	ctx := context.Background()
	o := put(t, b, key, "pixels")
	var r recorder
	s.OnEvent(r.record)
	if _, err := b.Put(ctx, key, strings.NewReader("x"), 1, blob.PutOptions{IfAbsent: true}); err == nil {
		t.Error("a PUT to a taken key is done, want ErrExists")
	}
	up, err := b.StartParts(ctx, key, blob.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.PutPart(ctx, key, up, 1, strings.NewReader("x"), 1); err != nil {
		t.Error(err)
	}
	if err := b.AbortParts(ctx, key, up); err != nil {
		t.Error(err)
	}
	if _, _, err := b.Read(ctx, key, "", 0, 10); err != nil {
		t.Error(err)
	}
	if err := b.DeleteVersion(ctx, key, o.Version); err != nil {
		t.Error(err)
	}
	if got := r.take(); len(got) != 0 {
		t.Errorf("events = %+v, want none", got)
	}
}

func TestWhoRecordsAnEventMayUseTheBucket(t *testing.T) {
	s := versitytest.Start(t)
	b := driver(s.Server, s.Bucket)
	s.OnEvent(func(e versity.Event) {
		if !strings.HasSuffix(e.Key, "/source") {
			return
		}
		if body, _, err := b.Read(context.Background(), e.Key, e.Version, 0, 100); err != nil || string(body) != "pixels" {
			t.Errorf("Read within the event = %q, %v", body, err)
		}
		put(t, b, e.Key+"-small", "p")
	})
	put(t, b, key, "pixels")
	if o, err := b.Head(context.Background(), key+"-small", ""); err != nil || o.Size != 1 {
		t.Errorf("Head of what the event made = %+v, %v", o, err)
	}
}

func TestReplaysAndRemovalsKeepTheSettledVersion(t *testing.T) {
	s := versitytest.Start(t)
	b := driver(s.Server, s.Bucket)
	ctx := context.Background()
	settled := put(t, b, key, "settled")
	s.OnEvent(func(e versity.Event) {
		if err := b.DeleteVersion(ctx, e.Key, e.Version); err != nil {
			t.Errorf("DeleteVersion = %v", err)
		}
	})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 10 {
				put(t, b, key, fmt.Sprint("replay ", w, i))
			}
		})
		wg.Go(func() {
			for range 20 {
				if body, _, err := b.Read(ctx, key, settled.Version, 0, 100); err != nil || string(body) != "settled" {
					t.Errorf("Read of the settled version = %q, %v", body, err)
				}
			}
		})
		wg.Go(func() {
			for range 5 {
				vs, err := b.Versions(ctx, key, 0)
				if err != nil || !has(vs, settled.Version) {
					t.Errorf("Versions = %+v, %v; want the settled one among them", vs, err)
				}
			}
		})
	}
	wg.Wait()
	want := []blob.Version{{Key: key, Version: settled.Version, Size: 7, Latest: true}}
	got, err := b.Versions(ctx, key, 0)
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("Versions in the end, %v (-want +got):\n%s", err, d)
	}
}

func has(vs []blob.Version, version string) bool {
	n := 0
	for _, v := range vs {
		if v.Version == version {
			n++
		}
	}
	return n == 1
}
