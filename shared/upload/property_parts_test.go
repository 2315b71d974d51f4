package upload_test

import (
	"bytes"
	"context"
	"crypto/md5" // is what S3 makes ETags of
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/upload"
)

// batch is a grant of parts that somebody holds.
type batch struct {
	upload.PartsGrant
	asset id.Asset
	until time.Time // after it and the slack, S3 no longer takes them
}

// sentParts is what S3 took of one upload.
type sentParts struct {
	key   string
	parts map[int][]byte
}

func newHistory(w *world, t *rapid.T) *history {
	h := &history{
		world: w, t: t, parts: map[string]*sentParts{}, assets: map[id.Asset]bool{}, ready: map[id.Asset][]byte{}, sent: map[string][]byte{},
		bodies: map[id.Asset][]byte{}, summed: map[id.Asset]bool{},
	}
	w.seen = h.see
	return h
}

// see notes which bytes a version has that was joined from parts. The world is locked.
func (h *history) see(e versity.Event) {
	for _, up := range h.parts {
		if up.key == e.Key && up.etag() == e.ETag {
			h.sent[e.Version] = up.body()
		}
	}
}

func (p *sentParts) body() (body []byte) {
	for _, n := range slices.Sorted(maps.Keys(p.parts)) {
		body = append(body, p.parts[n]...)
	}
	return body
}

// etag is that of an object joined from parts.
func (p *sentParts) etag() string {
	var sums []byte
	for _, n := range slices.Sorted(maps.Keys(p.parts)) {
		sum := md5.Sum(p.parts[n])
		sums = append(sums, sum[:]...)
	}
	sum := md5.Sum(sums)
	return fmt.Sprintf("%s-%d", hex.EncodeToString(sum[:]), len(p.parts))
}

// beginParts announces a picture of one part, seldom of two, with or without its checksum.
func (h *history) beginParts() {
	h.shade++
	n := 200
	if rapid.IntRange(0, 7).Draw(h.t, "two parts") == 0 {
		n = twoParts
	}
	body := tall(h.shade, n)
	d := upload.Draft{Workspace: h.ws.ID, Declared: "image/png"}
	switch rapid.IntRange(0, 3).Draw(h.t, "checksum") {
	case 0:
		d.Checksum = blob.CRC64NVME.Of(body)
	case 1:
		d.Checksum.Algorithm = blob.CRC32C
	}
	a, g, err := h.uploads.BeginParts(context.Background(), h.who, d, int64(n), upload.MinPartSize)
	if h.ok("begin parts", err); err != nil {
		return
	}
	h.know(a.ID)
	h.bodies[a.ID], h.summed[a.ID] = body, d.Checksum.Value != ""
	h.holdParts(a.ID, g)
}

func (h *history) holdParts(a id.Asset, g upload.PartsGrant) {
	h.pages = append(h.pages, batch{g, a, g.Expires.Add(upload.DefaultSlack)})
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.parts[g.Upload] == nil {
		row, err := h.keyOf(a, g.Upload)
		if err != nil {
			return // deleted since, with its upload
		}
		h.parts[g.Upload] = &sentParts{key: row, parts: map[int][]byte{}}
	}
}

// keyOf is the key that an upload is of.
func (h *history) keyOf(a id.Asset, uploadID string) (string, error) {
	us, err := h.direct.Uploads(context.Background(), schema.ObjectPrefix(h.ws.ID, a))
	if err != nil {
		return "", err
	}
	for _, u := range us {
		if u.ID == uploadID {
			return u.Key, nil
		}
	}
	return "", fmt.Errorf("upload %s is not open", uploadID)
}

// sendPart puts one part of a page as a client does: the right bytes or others.
func (h *history) sendPart() {
	if len(h.pages) == 0 {
		return
	}
	pg := h.pages[rapid.IntRange(0, len(h.pages)-1).Draw(h.t, "page")]
	p := pg.Parts[rapid.IntRange(0, len(pg.Parts)-1).Draw(h.t, "part")]
	if h.clock.Now().After(pg.until) {
		return
	}
	body := bytes.Clone(piece(h.bodies[pg.asset], pg.Plan, p.Number))
	switch rapid.IntRange(0, 9).Draw(h.t, "bytes") {
	case 0:
		copy(body, html)
	case 1:
		body[len(body)-1]++
	}
	if status, _ := h.world.sendPart(h.t, p, body); status == http.StatusOK {
		h.mu.Lock()
		defer h.mu.Unlock()
		if up := h.parts[pg.Upload]; up != nil {
			up.parts[p.Number] = body
		}
	}
}

// piece is what a part of a body has: where the sizes are the client's, all but the last have the smallest.
func piece(body []byte, p upload.Plan, number int) []byte {
	size := int(p.PartSize)
	if size == 0 {
		size = upload.MinPartSize
	}
	from := (number - 1) * size
	if number == p.Count {
		return body[from:]
	}
	return body[from : from+size]
}

// beginOpenParts announces a picture in parts of the client's own sizes: one, seldom two.
func (h *history) beginOpenParts() {
	h.shade++
	n, count := 200, 1
	if rapid.IntRange(0, 7).Draw(h.t, "two parts") == 0 {
		n, count = twoParts, 2
	}
	a, g, err := h.uploads.BeginOpenParts(context.Background(), h.who, upload.Draft{Workspace: h.ws.ID, Declared: "image/png"}, count, 0)
	if h.ok("begin open parts", err); err != nil {
		return
	}
	h.know(a.ID)
	h.bodies[a.ID] = tall(h.shade, n)
	h.holdParts(a.ID, g)
}

func (h *history) beginPut() {
	a, g, err := h.uploads.BeginPut(context.Background(), h.who, upload.Draft{Workspace: h.ws.ID, Declared: "image/png"}, 0)
	if h.ok("begin put", err); err != nil {
		return
	}
	h.know(a.ID)
	h.hold(a.ID, upload.Way{Put: &g})
}

// sendPut sends a body to an address, as often as it likes.
func (h *history) sendPut() {
	if len(h.puts) == 0 {
		return
	}
	g := h.puts[rapid.IntRange(0, len(h.puts)-1).Draw(h.t, "put")]
	if h.clock.Now().After(g.until) {
		return
	}
	h.noting(func(body []byte) { h.world.put(h.t, g.URL, body, "Content-Type", "text/html") })
}

// abandon gives up an upload as it was read, which may be some time ago.
func (h *history) abandon() {
	aid, ok := h.asset()
	if !ok {
		return
	}
	a, err := h.world.assets.Get(context.Background(), h.who, aid)
	if h.ok("get", err, fault.NotFound); err != nil {
		return
	}
	got, err := h.uploads.Abandon(context.Background(), h.who, a, nil)
	if h.ok("abandon", err, fault.Conflict, fault.NotFound); err == nil && got.Cause != asset.Abandoned {
		h.t.Fatalf("abandon gave %+v", got)
	}
}

func (h *history) signParts() {
	a, ok := h.asset()
	if !ok {
		return
	}
	_, g, err := h.uploads.SignParts(context.Background(), h.who, a, upload.PartsQuery{})
	if h.ok("sign parts", err, fault.Conflict, fault.NotFound); err == nil {
		h.holdParts(a, g)
	}
}

// completeDirectly joins what the bucket has of an upload behind our back.
func (h *history) completeDirectly() {
	if len(h.pages) == 0 {
		return
	}
	pg := h.pages[rapid.IntRange(0, len(h.pages)-1).Draw(h.t, "page")]
	up := h.parts[pg.Upload]
	if up == nil {
		return
	}
	ps, _, err := h.direct.ListParts(context.Background(), up.key, pg.Upload, 0, 10)
	if err != nil || len(ps) == 0 {
		return
	}
	_, _ = h.direct.CompleteParts(context.Background(), up.key, pg.Upload, ps, blob.PutOptions{}) // it may be gone, or too small
}
