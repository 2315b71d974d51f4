package versity

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/versity/versitygw/backend"
)

func TestAnObjectOfTenThousandPartsKeepsItsUpload(t *testing.T) {
	dir := t.TempDir()
	if !hasAttributes(dir) {
		t.Log("no extended attributes here: the engine keeps metadata in files, of any length")
		return
	}
	for _, count := range []int{3, 10_000} {
		notes := backend.MpUploadMetadata{UploadID: "b5e80235-e80d-4854-8e95-dd5b5c729897", Parts: make([]int64, count)}
		for i := range notes.Parts {
			notes.Parts[i] = int64(i+1) * 5_242_881
		}
		value, err := backend.MarshalMpUploadMetadata(notes, false)
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(filepath.Join(dir, "object"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := (attributes{}).StoreAttribute(f, dir, "object", madeFromAttribute, value); err != nil {
			t.Fatalf("%d parts, %d bytes of notes: %v", count, len(value), err)
		}
		kept, err := attributes{}.RetrieveAttribute(f, dir, "object", madeFromAttribute)
		if err != nil {
			t.Fatal(err)
		}
		got, err := backend.UnmarshalMpUploadMetadata(kept, false)
		if err != nil || got.UploadID != notes.UploadID {
			t.Errorf("%d parts: kept %+v, %v", count, got.UploadID, err)
		}
		if count == 3 && len(got.Parts) != 3 {
			t.Errorf("the %d parts of a small object are not kept: %v", count, got.Parts)
		}
		if count > 3 {
			plain := (attributes{}).XattrMeta
			if err := plain.StoreAttribute(f, dir, "object", madeFromAttribute, value); err == nil {
				t.Logf("this file system takes %d bytes", len(value))
			} else {
				t.Logf("without leaving them out: %v", err)
			}
		}
	}
}
