package assets

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/fault"
)

// patch is a text that a request may set, clear by null, or leave alone.
type patch struct {
	sent bool
	text string
}

// UnmarshalJSON reads a string or null.
func (t *patch) UnmarshalJSON(b []byte) error {
	t.sent = true
	if string(b) == "null" {
		return nil
	}
	if err := json.Unmarshal(b, &t.text); err != nil {
		return errors.New("takes a string, or null to clear it")
	}
	if t.text == "" {
		return errors.New("is empty; send a text, null to clear it, or leave the field out")
	}
	return nil
}

// change is what the domain takes: nil leaves alone, "" clears.
func (t patch) change() *string {
	if !t.sent {
		return nil
	}
	return &t.text
}

// updateRequest is the body of PATCH /assets/{assetId}.
type updateRequest struct {
	Name        patch `json:"name"`
	Description patch `json:"description"`
	Folder      patch `json:"folder"`
}

func (b updateRequest) change() (asset.Change, error) {
	c := asset.Change{Name: b.Name.change(), Description: b.Description.change(), Folder: b.Folder.change()}
	if c == (asset.Change{}) {
		return c, fault.BadField(bodyField, "changes nothing; send name, description or folder")
	}
	return c, nil
}

// Update is PATCH /assets/{assetId}, ours: name, description and folder, for whoever has the right, or only over the version that If-Match
// names. The bytes never change.
func Update(s AssetServices) http.Handler {
	return route(http.MethodPatch, patternAsset, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		id, err := assetID(web.PathValue(r, paramAsset))
		if err != nil {
			return err
		}
		version, err := ifMatch(r.Header)
		if err != nil {
			return err
		}
		var body updateRequest
		if err := web.DecodeJSON(r, &body); err != nil {
			return err
		}
		c, err := body.change()
		if err != nil {
			return err
		}
		a, err := s.Assets().Update(r.Context(), p, id, c, version)
		if err != nil {
			return err
		}
		return showAsset(w, r, s, a)
	})
}

// entityTag is the version of an asset's row as a strong ETag (RFC 9110, 8.8.3).
func entityTag(a asset.Asset) string { return `"` + strconv.FormatInt(a.Version, 10) + `"` }

// Versions that stand for no version of a row: rows count from 1.
const (
	anyVersion = 0
	noVersion  = -1
)

// ifMatch reads If-Match: the version that a change is meant for, anyVersion without the header or for *, noVersion for a tag that is
// well-formed but none of ours, which then matches nothing.
func ifMatch(h http.Header) (int64, error) {
	sent := strings.Join(h.Values("If-Match"), ",")
	tag := strings.TrimSpace(sent)
	if tag == "*" || (tag == "" && len(h.Values("If-Match")) == 0) {
		return anyVersion, nil
	}
	opaque, weak := strings.CutPrefix(tag, "W/")
	if len(opaque) < 2 || opaque[0] != '"' || opaque[len(opaque)-1] != '"' || strings.ContainsFunc(opaque[1:len(opaque)-1], notInTag) {
		return 0, fault.BadField("if-match", "is %q; send one ETag with its quotes as it was answered, such as \"3\", or *", clip(sent))
	}
	text := opaque[1 : len(opaque)-1]
	n, err := strconv.ParseInt(text, 10, 64)
	if weak || err != nil || n < 1 || strconv.FormatInt(n, 10) != text { // a weak tag never matches (RFC 9110, 13.1.1)
		return noVersion, nil
	}
	return n, nil
}

// notInTag says which characters an ETag cannot have: quotes, blanks and controls (RFC 9110, 8.8.3).
func notInTag(c rune) bool { return c <= ' ' || c == '"' || c == 0x7f }
