package s3blob_test

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/blob/blobtest"
	"github.com/assetry/assetry/shared/fault"
)

func TestFaultsAroundTheRealBucket(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		name   string
		fault  blobtest.Fault
		kind   fault.Kind
		stored bool
	}{
		{"throttled: failed and not stored", blobtest.Throttled, fault.Throttled, false},
		{"unavailable: failed and not stored", blobtest.Unavailable, fault.Unavailable, false},
		{"lost: failed but stored", blobtest.Lost, fault.Unavailable, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			real, _ := open(t)
			b := blobtest.Wrap(real, blobtest.Nth("Put", 2, c.fault))
			first := put(t, b, "w/first", "1", blob.PutOptions{})
			if _, err := b.Put(ctx, "w/second", strings.NewReader("2"), 1, blob.PutOptions{IfAbsent: true}); !fault.Is(err, c.kind) {
				t.Errorf("second Put = %v, want %v", err, c.kind)
			}
			if _, err := b.Head(ctx, "w/second", ""); errors.Is(err, blob.ErrNotFound) == c.stored {
				t.Errorf("Head of what failed = %v, want stored = %v", err, c.stored)
			}
			_, err := b.Put(ctx, "w/second", strings.NewReader("2"), 1, blob.PutOptions{IfAbsent: true})
			if errors.Is(err, blob.ErrExists) != c.stored {
				t.Errorf("third Put = %v, want ErrExists only where the second was stored", err)
			}
			if o, err := b.Head(ctx, "w/first", ""); err != nil || o.Version != first.Version {
				t.Errorf("Head(first) = %+v, %v; want what Put answered", o, err)
			}
			if want := map[string]int{"Put": 3, "Head": 2}; !maps.Equal(b.Calls(), want) {
				t.Errorf("Calls = %v, want %v", b.Calls(), want)
			}
		})
	}
}

func TestEveryMethodGoesThroughTheScript(t *testing.T) {
	real, _ := open(t)
	ctx := context.Background()
	var methods []string
	b := blobtest.Wrap(real, func(c blobtest.Call) blobtest.Fault {
		if c.Key != key || c.N != 1 {
			t.Errorf("the script saw %+v, want key %s and the first call", c, key)
		}
		methods = append(methods, c.Method)
		return blobtest.Throttled
	})
	var errs []error
	try := func(err error) { errs = append(errs, err) }
	_, _, err := b.SignForm(ctx, formSpec())
	try(err)
	_, _, err = b.SignPut(ctx, putSpec())
	try(err)
	_, _, err = b.SignBare(ctx, blob.BareSpec{Key: key, Expires: soon()})
	try(err)
	_, err = b.SignGet(ctx, blob.GetSpec{Key: key})
	try(err)
	_, err = b.SignPart(ctx, key, "up", 1, 1, soon())
	try(err)
	_, _, err = b.SignParts(ctx, key, "up", []blob.PartSpec{{Number: 1, Size: 1}}, soon())
	try(err)
	_, err = b.Head(ctx, key, "")
	try(err)
	_, _, err = b.Read(ctx, key, "", 0, 1)
	try(err)
	_, err = b.Versions(ctx, key, 0)
	try(err)
	_, err = b.Put(ctx, key, strings.NewReader(""), 0, blob.PutOptions{})
	try(err)
	_, err = b.Copy(ctx, "w/src", "v", key, blob.PutOptions{})
	try(err)
	try(b.DeleteVersion(ctx, key, "v"))
	_, err = b.StartParts(ctx, key, blob.PutOptions{})
	try(err)
	_, err = b.PutPart(ctx, key, "up", 1, strings.NewReader(""), 0)
	try(err)
	_, err = b.StreamPart(ctx, key, "up", 1, strings.NewReader(""), 0)
	try(err)
	_, _, err = b.ListParts(ctx, key, "up", 0, 1)
	try(err)
	_, err = b.Uploads(ctx, key)
	try(err)
	_, err = b.CompleteParts(ctx, key, "up", nil, blob.PutOptions{})
	try(err)
	try(b.AbortParts(ctx, key, "up"))
	for i, err := range errs {
		if !fault.Is(err, fault.Throttled) {
			t.Errorf("call %d (%s) = %v, want the injected fault.Throttled", i, methods[i], err)
		}
	}
	if want := reflect.TypeFor[blob.Bucket]().NumMethod(); len(b.Calls()) != want || len(methods) != want {
		t.Errorf("counted %v, want one call of each of the %d methods", b.Calls(), want)
	}
	wantEmpty(t, real)
}
