package orders

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/assetry/assetry/shared/api/orders/graph"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/upload"
)

// InitializeUpload begins an input of an order. A repeat under the same Idempotency-Key answers that input, with fresh URLs.
func (r mutationFields) InitializeUpload(
	ctx context.Context, sent, format, way string, parts *int32, url *string, size *float64, first *int32,
) (*graph.UploadSession, error) {
	o, err := orderID(sent)
	if err != nil {
		return nil, err
	}
	in := callOf(ctx)
	u := order.Upload{
		Format: strings.ToLower(format), Way: strings.ToLower(way), Source: value(url), Parts: int(value(parts)), First: int(value(first)),
	}
	bad := append(readSize(&u.Size, size), checkFirst(first)...)
	if err := fault.BadFields(bad); err != nil {
		return nil, err
	}
	if u.Way == order.WayMulti && first == nil {
		u.First = max(min(u.Parts, upload.MaxParts), 0) // all of them; that their number is a good one says the domain
	}
	return making(ctx, r.resolvers, func(ctx context.Context, thing id.UUID, earlier bool) (*graph.UploadSession, error) {
		begun := u
		begun.ID, begun.Again = id.Asset(thing), earlier
		return r.session(r.s.Orders().BeginUpload(ctx, in.principal, o, begun))
	})
}

// readSize reads a length in bytes, which GraphQL gives as a float: its Int has 32 bits.
func readSize(to *int64, sent *float64) []fault.Field {
	if sent == nil {
		return nil
	}
	if n := *sent; n != math.Trunc(n) || n < 1 || n > upload.MaxSize {
		return []fault.Field{{Name: "size_bytes", Message: fmt.Sprintf("is %s; send a whole number of bytes from 1 to %d",
			strconv.FormatFloat(n, 'g', -1, 64), int64(upload.MaxSize))}}
	}
	*to = int64(*sent)
	return nil
}

func checkFirst(sent *int32) []fault.Field {
	if sent == nil || *sent >= 1 && *sent <= upload.MaxParts {
		return nil
	}
	return []fault.Field{{Name: "first", Message: fmt.Sprintf("is %d; send 1 to %d", *sent, upload.MaxParts)}}
}

// ReissueUpload gives the URLs of an upload again.
func (r mutationFields) ReissueUpload(ctx context.Context, sent string, after *string, numbers []int32, first *int32) (*graph.UploadSession, error) {
	a, err := assetID(sent)
	if err != nil {
		return nil, err
	}
	in := callOf(ctx)
	var q upload.PartsQuery
	last, err := readAfter(after)
	if last > 0 {
		q.From = last + 1
	}
	bad := append(fault.FieldsOf(err), checkFirst(first)...)
	if numbers != nil && len(numbers) == 0 {
		bad = append(bad, fault.Field{Name: "part_numbers", Message: "is empty; send the numbers of parts, or leave it out"})
	}
	for _, n := range numbers {
		q.Numbers = append(q.Numbers, int(n))
	}
	if err := fault.BadFields(bad); err != nil {
		return nil, err
	}
	if q.Max = int(value(first)); q.Max == 0 {
		if q.Max, err = in.room(); err != nil {
			return nil, err
		}
	}
	return again(ctx, r.resolvers, func(ctx context.Context) (*graph.UploadSession, error) {
		return r.session(r.s.Orders().Reissue(ctx, in.principal, a, q))
	})
}

// FinalizeUpload ends an upload.
func (r mutationFields) FinalizeUpload(ctx context.Context, sent string, sentOrder, uploadID *string, parts []graph.UploadPartInput) (*graph.UploadSession, error) {
	a, err := assetID(sent)
	if err != nil {
		return nil, err
	}
	var o id.Order
	if sentOrder != nil {
		if o, err = orderID(*sentOrder); err != nil {
			return nil, err
		}
	}
	stored := make([]blob.Part, len(parts))
	for i, p := range parts {
		stored[i] = blob.Part{Number: int(p.PartNumber), ETag: strings.Trim(p.ETag, `"`)}
	}
	return again(ctx, r.resolvers, func(ctx context.Context) (*graph.UploadSession, error) {
		return r.session(r.s.Orders().FinalizeUpload(ctx, callOf(ctx).principal, a, o, value(uploadID), stored))
	})
}

// AbandonUpload takes an input away from its order and ends its upload.
func (r mutationFields) AbandonUpload(ctx context.Context, sent string) (*graph.UploadSession, error) {
	a, err := assetID(sent)
	if err != nil {
		return nil, err
	}
	return again(ctx, r.resolvers, func(ctx context.Context) (*graph.UploadSession, error) {
		return r.session(r.s.Orders().Abandon(ctx, callOf(ctx).principal, a))
	})
}

// UploadSession is how an upload stands, with the number of its parts that have arrived.
func (r queryFields) UploadSession(ctx context.Context, sent string, after *string) (*graph.UploadSession, error) {
	a, err := assetID(sent)
	if err != nil {
		return nil, err
	}
	last, err := readAfter(after)
	if err != nil {
		return nil, err
	}
	found, err := r.s.Orders().Session(ctx, callOf(ctx).principal, a, last)
	out, err := r.session(found, err)
	if err == nil && found.Parts > 0 && found.Status == order.StatusPending {
		received := int32(found.Received)
		out.PartsReceived = &received
	}
	return out, err
}

// cursor is the number of the part after which a list goes on as text; null at the end. There is nothing to hide in it.
func cursor(last int) *string {
	if last == 0 {
		return nil
	}
	return nullable(strconv.Itoa(last))
}

// readAfter reads cursor back; "" is the beginning.
func readAfter(sent *string) (int, error) {
	s := value(sent)
	if s == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > upload.MaxParts || strconv.Itoa(n) != s {
		return 0, fault.BadField("after", "is %.60q, which is no cursor of parts; send next_cursor of the answer before as it is", s)
	}
	return n, nil
}

func (r resolvers) session(s order.Session, err error) (*graph.UploadSession, error) {
	if err != nil {
		return nil, err
	}
	out := &graph.UploadSession{
		AssetID: s.Asset.ID.String(), OrderID: s.Order.String(), AssetType: s.Format, UploadType: s.Way, UploadStatus: s.Status,
		UploadURL: nullable(s.PutURL), ExpiresIn: r.seconds(s.Expires), UploadID: nullable(s.Asset.Upload),
		PartCount: count(s.Parts), NextCursor: cursor(s.Next),
	}
	if s.Status == order.StatusReady || s.Status == order.StatusCompleting {
		out.PartsReceived = count(s.Parts) // else it is told to whoever asks for it, who pays for a list of them
	}
	if s.Grant != nil {
		out.UploadID = nullable(s.Grant.Upload)
		out.PartUrls = make([]graph.PartURL, len(s.Grant.Parts))
		for i, p := range s.Grant.Parts {
			out.PartUrls[i] = graph.PartURL{Number: p.Number, URL: p.URL}
		}
	}
	return out, nil
}

// Asset is any asset of the workspace.
func (r queryFields) Asset(ctx context.Context, sent string) (*graph.Asset, error) {
	a, err := assetID(sent)
	if err != nil {
		return nil, err
	}
	found, err := r.s.Assets().Get(ctx, callOf(ctx).principal, a)
	if err != nil {
		return nil, err
	}
	out := renderAsset(found, order.FormatOf(found))
	return &out, nil
}

// unknownType is the content type of bytes nobody has described yet.
const unknownType = "application/octet-stream"

func renderAsset(a asset.Asset, format string) graph.Asset {
	out := graph.Asset{
		AssetID: a.ID.String(), AssetName: a.Name, AssetType: nullable(format), ContentType: unknownType, UploadStatus: order.StatusOf(a),
		FailureReason: nullable(a.Failure), Created: a.CreatedAt(),
	}
	switch {
	case a.Type != "":
		out.ContentType = a.Type
	case a.Declared != "":
		out.ContentType = a.Declared
	}
	if n := max(a.Size, a.Expected); n > 0 { // the latter was announced, or is what an import's source has
		bytes := float64(n)
		out.SizeBytes = &bytes
	}
	return out
}
