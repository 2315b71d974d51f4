package s3blob_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
)

func TestPutIfAbsentHasOneWinner(t *testing.T) {
	b, _ := open(t)
	var wg sync.WaitGroup
	errs := make([]error, 16)
	for i := range errs {
		wg.Go(func() {
			_, errs[i] = b.Put(context.Background(), key, strings.NewReader("x"), 1, blob.PutOptions{IfAbsent: true})
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, blob.ErrExists):
			t.Errorf("Put = %v, want success or ErrExists", err)
		}
	}
	vs, err := b.Versions(context.Background(), key, 0)
	if won != 1 || err != nil || len(vs) != 1 {
		t.Errorf("%d of 16 won and left %v, %v; want one", won, vs, err)
	}
}

func TestPutWithoutConditionMakesAnotherVersion(t *testing.T) {
	b, _ := open(t)
	ctx := context.Background()
	first := put(t, b, key, "first", blob.PutOptions{Type: "image/png"})
	second := put(t, b, key, "second", blob.PutOptions{Type: "image/gif"})
	if first.Version == "" || first.Version == second.Version {
		t.Fatalf("versions %q and %q, want two", first.Version, second.Version)
	}
	for _, want := range []blob.Object{first, second} {
		got, err := b.Head(ctx, key, want.Version)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(blob.Object{}, "Modified")); d != "" {
			t.Errorf("Head (-put +head):\n%s", d)
		}
	}
}

func TestCopyTakesAVersion(t *testing.T) {
	b, _ := open(t)
	weird := "w/ü/a b+c%25/source"
	old := put(t, b, weird, "old bytes", blob.PutOptions{Type: "image/png", Meta: map[string]string{"a": "1"}})
	put(t, b, weird, "new", blob.PutOptions{})
	for _, c := range []struct {
		name, to string
		o        blob.PutOptions
		want     blob.PutOptions
	}{
		{"and keeps type and metadata", "w/copy1", blob.PutOptions{}, blob.PutOptions{Type: "image/png", Meta: map[string]string{"a": "1"}}},
		{"and replaces them", "w/copy2", blob.PutOptions{Type: "image/gif", Meta: map[string]string{"b": "ü"}}, blob.PutOptions{Type: "image/gif", Meta: map[string]string{"b": "ü"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, meter := blob.WithMeter(context.Background())
			o, err := b.Copy(ctx, weird, old.Version, c.to, c.o)
			if err != nil || o.Size != 9 || o.Type != c.want.Type || !maps.Equal(o.Meta, c.want.Meta) {
				t.Fatalf("Copy = %+v, %v; want 9 bytes with %+v", o, err, c.want)
			}
			if want := map[string]int{"CopyObject": 1, "HeadObject": 1}; !maps.Equal(meter.ByOperation(), want) {
				t.Errorf("requests = %v, want %v", meter.ByOperation(), want)
			}
			if body, _, err := b.Read(ctx, c.to, o.Version, 0, 100); err != nil || string(body) != "old bytes" {
				t.Errorf("the copy reads %q, %v; want the old version's bytes", body, err)
			}
			if _, err := b.Copy(ctx, weird, old.Version, c.to, blob.PutOptions{IfAbsent: true}); !errors.Is(err, blob.ErrExists) {
				t.Errorf("Copy over a taken key = %v, want ErrExists", err)
			}
		})
	}
	if _, err := b.Copy(context.Background(), weird, "", "w/copy3", blob.PutOptions{}); err == nil {
		t.Error("Copy without a version is done, want an error")
	}
}

func TestDeleteVersionRemovesExactlyOne(t *testing.T) {
	b, _ := open(t)
	ctx, meter := blob.WithMeter(context.Background())
	var made []blob.Object
	for i := range 3 {
		made = append(made, put(t, b, key, fmt.Sprint("version ", i), blob.PutOptions{}))
	}
	for range 2 { // the second time there is nothing to remove
		if err := b.DeleteVersion(ctx, key, made[1].Version); err != nil {
			t.Fatalf("DeleteVersion = %v", err)
		}
	}
	if err := b.DeleteVersion(ctx, "w/none", made[1].Version); err != nil {
		t.Errorf("DeleteVersion of a missing key = %v, want none", err)
	}
	if err := b.DeleteVersion(ctx, key, ""); err == nil {
		t.Error("DeleteVersion without a version is done, want an error: S3 would only hide the key")
	}
	if got := meter.Requests(); got != 3 {
		t.Errorf("%d requests, want one for each named version", got)
	}
	want := []blob.Version{
		{Key: key, Version: made[2].Version, Size: 9, Latest: true},
		{Key: key, Version: made[0].Version, Size: 9},
	}
	got, err := b.Versions(ctx, key, 0)
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("Versions, %v (-want +got):\n%s", err, d)
	}
	if err := b.DeleteVersion(ctx, key, made[2].Version); err != nil {
		t.Fatal(err)
	}
	if o, err := b.Head(ctx, key, ""); err != nil || o.Version != made[0].Version {
		t.Errorf("Head after the latest was removed = %+v, %v; want the one before", o, err)
	}
}

func TestVersionsListsMarkersAndPages(t *testing.T) {
	b, s := open(t)
	ctx := context.Background()
	for i := range 5 {
		put(t, b, fmt.Sprintf("w/a/%d/source", i), "x", blob.PutOptions{})
		put(t, b, fmt.Sprintf("w/a/%d/source", i), "xy", blob.PutOptions{})
	}
	put(t, b, "w/b/source", "x", blob.PutOptions{})
	hidden := "w/a/2/source"
	hide(t, s, hidden)

	all, err := b.Versions(ctx, "w/a/", 0)
	if err != nil || len(all) != 11 {
		t.Fatalf("Versions = %d entries, %v; want 11", len(all), err)
	}
	markers := 0
	for i, v := range all {
		if v.Marker {
			markers++
			if v.Key != hidden || !v.Latest || v.Size != 0 {
				t.Errorf("marker %+v, want the latest entry of %s", v, hidden)
			}
			if _, err := b.Head(ctx, v.Key, v.Version); !errors.Is(err, blob.ErrNotFound) {
				t.Errorf("Head of a marker = %v, want ErrNotFound", err)
			}
			if _, _, err := b.Read(ctx, v.Key, v.Version, 0, 1); !errors.Is(err, blob.ErrNotFound) {
				t.Errorf("Read of a marker = %v, want ErrNotFound", err)
			}
		}
		if first := i == 0 || all[i-1].Key != v.Key; first != v.Latest {
			t.Errorf("entry %d is %+v, want the latest of a key first", i, v)
		}
	}
	if markers != 1 {
		t.Errorf("%d markers, want one", markers)
	}
	if _, _, err := b.Read(ctx, hidden, "", 0, 1); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("Read of a hidden key = %v, want ErrNotFound", err)
	}
	for _, limit := range []int{1, 4, 10, 11, 50} {
		some, err := b.Versions(ctx, "w/a/", limit)
		if d := cmp.Diff(all[:min(limit, len(all))], some); d != "" || err != nil {
			t.Errorf("Versions with limit %d, %v (-want +got):\n%s", limit, err, d)
		}
	}
}

func TestMetadataIsAnyText(t *testing.T) {
	b, s := open(t)
	meta := map[string]string{
		"plain": "asset-1", "space": " a  b ", "percent": "100%41", "unicode": "Zürich 東京 🙂", "line": "a\r\nx-amz-acl: public-read",
		"name": "${filename}", "quote": `"a",'b';`, "empty": "",
	}
	want := maps.Clone(meta)
	put(t, b, "w/put", "x", blob.PutOptions{Meta: meta})
	form := formSpec()
	form.Key, form.Meta = "w/form", meta
	if got := sendForm(t, s, signForm(t, b, form), "pixels"); got != 204 {
		t.Fatalf("form answered %d, want 204", got)
	}
	signed := putSpec()
	signed.Key, signed.Meta = "w/signed", meta
	r := signPut(t, b, signed)
	if status, _, body := send(t, s, r.Method, r.URL, r.Headers, "pixels"); status != 200 {
		t.Fatalf("signed PUT answered %d %s, want 200", status, body)
	}
	for _, k := range []string{"w/put", "w/form", "w/signed"} {
		o, err := b.Head(context.Background(), k, "")
		if d := cmp.Diff(want, o.Meta); d != "" || err != nil {
			t.Errorf("metadata of %s, %v (-want +got):\n%s", k, err, d)
		}
	}
}

func TestWhatCannotBeStoredIsRefusedBeforeItIsSent(t *testing.T) {
	b, _ := open(t)
	ctx, meter := blob.WithMeter(context.Background())
	big := map[string]string{"name": strings.Repeat("ü", 400)}
	for name, err := range map[string]error{
		"metadata over 2 KB": func() error {
			_, err := b.Put(ctx, key, strings.NewReader(""), 0, blob.PutOptions{Meta: big})
			return err
		}(),
		"metadata over 2 KB in a form":  formError(b, func(s *blob.FormSpec) { s.Meta = big }),
		"a metadata name with a space":  formError(b, func(s *blob.FormSpec) { s.Meta = map[string]string{"a b": ""} }),
		"a metadata name in upper case": formError(b, func(s *blob.FormSpec) { s.Meta = map[string]string{"A": ""} }),
		"a type with a line break":      formError(b, func(s *blob.FormSpec) { s.Type = "image/png\r\nx: y" }),
		"a type in another script":      formError(b, func(s *blob.FormSpec) { s.Type = "bild/ö" }),
		"a type with a variable":        formError(b, func(s *blob.FormSpec) { s.Type = "${filename}" }),
		"no type":                       formError(b, func(s *blob.FormSpec) { s.Type = "" }),
	} {
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s = %v, want fault.Invalid", name, err)
		}
	}
	for name, err := range map[string]error{
		"a key that S3 would replace": formError(b, func(s *blob.FormSpec) { s.Key = "w/${filename}" }),
		"a range upside down":         formError(b, func(s *blob.FormSpec) { s.MinSize = s.MaxSize + 1 }),
		"more than 5 GiB":             formError(b, func(s *blob.FormSpec) { s.MaxSize = 5<<30 + 1 }),
	} {
		if err == nil {
			t.Errorf("a form with %s is signed, want an error", name)
		}
	}
	if got := meter.Requests(); got != 0 {
		t.Errorf("%d requests, want none", got)
	}
}

func formError(b blob.Signer, change func(*blob.FormSpec)) error {
	s := formSpec()
	change(&s)
	_, _, err := b.SignForm(context.Background(), s)
	return err
}
