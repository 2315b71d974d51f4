package assets

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/upload"
)

// FuzzIfMatch holds that a tag that is taken for a version is the very tag that a version is answered with.
func FuzzIfMatch(f *testing.F) {
	for _, seed := range []string{"", "*", `"1"`, `W/"1"`, `"01"`, `"x"`, `""`, `"`, `"1", "2"`, "1", `"9223372036854775807"`, `"9223372036854775808"`, "\"\x00\"", `"-1"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sent string) {
		version, err := ifMatch(http.Header{"If-Match": {sent}})
		switch {
		case err != nil:
			if !fault.Is(err, fault.Invalid) || version != 0 {
				t.Errorf("If-Match %q gives %d, %v", sent, version, err)
			}
		case version == anyVersion || version == noVersion:
		default:
			tag := entityTag(asset.Asset{Version: version})
			if again, err := ifMatch(http.Header{"If-Match": {tag}}); version < 1 || again != version || err != nil {
				t.Errorf("If-Match %q gives %d, whose tag %s gives %d, %v", sent, version, tag, again, err)
			}
		}
	})
}

// FuzzPartCursor holds that a cursor has one spelling.
func FuzzPartCursor(f *testing.F) {
	for _, seed := range []string{"", "1", "10000", "10001", "0", "-1", "+1", "01", "1e3", "1.0", "１", "99999999999999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sent string) {
		n, err := readPartCursor(sent)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("the cursor %q is answered %v", sent, err)
			}
			return
		}
		if again := value(partCursor(n)); again != sent || n < 0 || n > upload.MaxParts || sent != "" && strconv.Itoa(n) != sent {
			t.Errorf("the cursor %q is part %d, whose cursor is %q", sent, n, again)
		}
	})
}
