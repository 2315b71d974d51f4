package s3blob_test

import (
	"context"
	"errors"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/assetry/assetry/shared/blob"
)

const key = "w/ws/3f/asset/1/source"

func TestReadGivesARangeOfAVersion(t *testing.T) {
	b, _ := open(t)
	meta := map[string]string{"asset": "a-1", "size": "10"}
	first := put(t, b, key, "0123456789", blob.PutOptions{Type: "image/png", Meta: meta})
	second := put(t, b, key, "later", blob.PutOptions{Type: "text/html"})
	empty := put(t, b, "w/empty", "", blob.PutOptions{Type: "image/gif"})

	for _, c := range []struct {
		name, key, version string
		off, n             int64
		body               string
		object             blob.Object
		requests           map[string]int
	}{
		{"the beginning of an old version", key, first.Version, 0, 4, "0123", first, map[string]int{"GetObject": 1}},
		{"the middle", key, first.Version, 3, 3, "345", first, map[string]int{"GetObject": 1}},
		{"a range over the end gives what there is", key, first.Version, 8, 100, "89", first, map[string]int{"GetObject": 1}},
		{"the current version when none is named", key, "", 0, 100, "later", second, map[string]int{"GetObject": 1}},
		{"a range that begins at the end gives nothing", key, first.Version, 10, 5, "", first, map[string]int{"GetObject": 1, "HeadObject": 1}},
		{"a range past the end gives nothing", key, "", 4000, 5, "", second, map[string]int{"GetObject": 1, "HeadObject": 1}},
		{"an empty object gives nothing", "w/empty", "", 0, 5, "", empty, map[string]int{"GetObject": 1, "HeadObject": 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, meter := blob.WithMeter(context.Background())
			body, object, err := b.Read(ctx, c.key, c.version, c.off, c.n)
			if err != nil {
				t.Fatalf("Read(%s, %d, %d) = %v", c.key, c.off, c.n, err)
			}
			if string(body) != c.body {
				t.Errorf("Read(%s, %d, %d) = %q, want %q", c.key, c.off, c.n, body, c.body)
			}
			if object.Modified.IsZero() || object.Checksum != (blob.Checksum{}) {
				t.Errorf("Read = %+v, want a time of modification and no checksum, since it has read a range", object)
			}
			if d := cmp.Diff(c.object, object, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(blob.Object{}, "Modified", "Checksum")); d != "" {
				t.Errorf("object differs from what Put answered (-put +read):\n%s", d)
			}
			if got := meter.ByOperation(); !maps.Equal(got, c.requests) {
				t.Errorf("requests = %v, want %v", got, c.requests)
			}
		})
	}
}

func TestWhatIsMissingIsNotFound(t *testing.T) {
	b, _ := open(t)
	ctx := context.Background()
	o := put(t, b, key, "bytes", blob.PutOptions{})
	other := put(t, b, key+"2", "bytes", blob.PutOptions{})
	if err := b.DeleteVersion(ctx, key+"2", other.Version); err != nil {
		t.Fatal(err)
	}
	read := func(k, v string) error { _, _, err := b.Read(ctx, k, v, 0, 10); return err }
	head := func(k, v string) error { _, err := b.Head(ctx, k, v); return err }
	for _, c := range []struct {
		name string
		err  error
	}{
		{"read of a missing key", read("w/none", "")},
		{"head of a missing key", head("w/none", "")},
		{"read of a missing version of a key that exists", read(key, other.Version)},
		{"head of a missing version of a key that exists", head(key, other.Version)},
		{"read of a version of a missing key", read("w/none", o.Version)},
		{"head of a version that was deleted", head(key+"2", other.Version)},
		{"copy of a missing key", func() error { _, err := b.Copy(ctx, "w/none", o.Version, "w/copy", blob.PutOptions{}); return err }()},
		{"copy of a missing version", func() error { _, err := b.Copy(ctx, key, other.Version, "w/copy", blob.PutOptions{}); return err }()},
	} {
		if !errors.Is(c.err, blob.ErrNotFound) {
			t.Errorf("%s = %v, want blob.ErrNotFound", c.name, c.err)
		}
	}
}
