package assets

import (
	"net/http"
	"strconv"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/upload"
)

// PartServices is what the routes of parts need.
type PartServices interface {
	Accounts() *account.Service
	Uploads() *upload.Service
}

// PartPostServices is what signing parts needs.
type PartPostServices interface {
	PostServices
	Uploads() *upload.Service
}

// signedPart is one part and where to send it.
type signedPart struct {
	PartNumber int    `json:"part_number"`
	URL        string `json:"url"` // for a PUT of exactly the part's bytes
}

// partsPlan is how an upload is cut into parts, and a page of addresses for them.
type partsPlan struct {
	UploadID   string       `json:"upload_id"`
	PartSize   *int64       `json:"part_size"` // of every part but the last; null: the client's own
	PartCount  int          `json:"part_count"`
	Parts      []signedPart `json:"parts"`
	NextCursor *string      `json:"next_cursor"`
}

func renderPlan(g upload.PartsGrant) partsPlan {
	plan := partsPlan{
		UploadID: g.Upload, PartSize: nullable(g.PartSize), PartCount: g.Count,
		Parts: make([]signedPart, len(g.Parts)), NextCursor: partCursor(g.Next),
	}
	for i, p := range g.Parts {
		plan.Parts[i] = signedPart{p.Number, p.URL}
	}
	return plan
}

// partCursor is the number of the part at which a list goes on as text; null at the end. There is nothing to hide in it.
func partCursor(next int) *string {
	if next == 0 {
		return nil
	}
	return nullable(strconv.Itoa(next))
}

// readPartCursor reads partCursor back; "" is the beginning.
func readPartCursor(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > upload.MaxParts || strconv.Itoa(n) != s {
		return 0, fault.BadField("cursor", "is %q, which is no cursor of parts; send next_cursor of the page before as it is", clip(s))
	}
	return n, nil
}

// signPartsRequest is the body of POST /assets/{assetId}/parts: the numbers that are wanted, or where to go on.
type signPartsRequest struct {
	PartNumbers []int   `json:"part_numbers"`
	Cursor      *string `json:"cursor"`
}

func (b signPartsRequest) query() (upload.PartsQuery, error) {
	var bad []fault.Field
	if b.PartNumbers != nil && b.Cursor != nil {
		bad = append(bad, fault.Field{Name: "cursor", Message: "goes not with part_numbers; send one of them"})
	}
	if b.PartNumbers != nil && len(b.PartNumbers) == 0 {
		bad = append(bad, fault.Field{Name: "part_numbers", Message: "is empty; send the numbers of parts, or leave the field out for the first page"})
	}
	if b.Cursor != nil && *b.Cursor == "" {
		bad = append(bad, fault.Field{Name: "cursor", Message: "is empty; send next_cursor of the page before, or leave the field out"})
	}
	if err := fault.BadFields(bad); err != nil {
		return upload.PartsQuery{}, err
	}
	from, err := readPartCursor(value(b.Cursor))
	return upload.PartsQuery{Numbers: b.PartNumbers, From: from}, err
}

// signPartsAnswer is the answer of POST /assets/{assetId}/parts.
type signPartsAnswer struct {
	AssetID   string `json:"asset_id"`
	ExpiresAt string `json:"expires_at"`
	partsPlan
}

// PartsSign is POST /assets/{assetId}/parts, ours: addresses for parts of a pending upload, as often as they are asked for.
func PartsSign(s PartPostServices) http.Handler {
	return post(patternParts, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		id, err := assetID(web.PathValue(r, paramAsset))
		if err != nil {
			return err
		}
		body := &signPartsRequest{}
		if err := optionalBody(r, &body); err != nil {
			return err
		}
		var q upload.PartsQuery
		if body != nil {
			if q, err = body.query(); err != nil {
				return err
			}
		}
		a, g, err := s.Uploads().SignParts(r.Context(), p, id, q)
		if err != nil {
			return err
		}
		web.SetWorkspace(r.Context(), a.Workspace)
		return web.JSON(w, http.StatusOK, signPartsAnswer{assetPrefix + a.ID.String(), isoTime(g.Expires), renderPlan(g)})
	})
}

// storedPart is a part that the bucket has.
type storedPart struct {
	PartNumber int    `json:"part_number"`
	SizeBytes  int64  `json:"size_bytes"`
	ETag       string `json:"etag"` // without quotes

	// Checksum of the part alone; absent where the upload was begun without an algorithm.
	Checksum *checksum `json:"checksum,omitempty"`
}

type listPartsAnswer struct {
	Parts      []storedPart `json:"parts"`
	NextCursor *string      `json:"next_cursor"`
}

// PartsList is GET /assets/{assetId}/parts, ours: what has arrived of a pending upload, so that anybody can go on with it.
func PartsList(s PartServices) http.Handler {
	return route(http.MethodGet, patternParts, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		id, err := assetID(web.PathValue(r, paramAsset))
		if err != nil {
			return err
		}
		sent, err := readQuery(r)
		if err != nil {
			return err
		}
		limit, cursor := sent.upTo(upload.PartsPage, upload.PartsPage), sent.text("cursor")
		if err := sent.err(); err != nil {
			return err
		}
		after, err := readPartCursor(cursor)
		if err != nil {
			return err
		}
		ps, next, err := s.Uploads().ListParts(r.Context(), p, id, after, limit)
		if err != nil {
			return err
		}
		answer := listPartsAnswer{Parts: make([]storedPart, len(ps)), NextCursor: partCursor(next)}
		for i, part := range ps {
			answer.Parts[i] = storedPart{part.Number, part.Size, part.ETag, renderChecksum(part.Checksum)}
		}
		return web.JSON(w, http.StatusOK, answer)
	})
}
