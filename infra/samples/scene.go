package samples

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strconv"
	"strings"
	"time"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/link"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/upload"
)

// Scene is the sample things as they are at a time. The zero Scene is none; At makes one.
type Scene struct{ now time.Time }

// At is the scene at a time.
func At(now time.Time) Scene { return Scene{now} }

// id moves the time in an id, its first 48 bits in milliseconds, by as much as the scene lies after Now.
func (s Scene) id(name string) string {
	made, err := strconv.ParseInt(strings.Replace(name[:13], "-", "", 1), 16, 64)
	if err != nil {
		panic(err) // of this package's constants
	}
	moved := fmt.Sprintf("%012x", made+s.now.Sub(Now).Milliseconds())
	return moved[:8] + "-" + moved[8:] + name[13:]
}

func (s Scene) asset(name, file string, state asset.State, grant time.Duration) asset.Asset {
	return asset.Asset{
		ID: must(id.ParseAsset(s.id(name))), Workspace: WorkspaceID, Version: 1, State: state, Generation: 1, Name: file,
		Via: asset.ViaSigned, CreatedBy: KeyID, Declared: "image/png", GrantUntil: s.now.Add(grant),
	}
}

// Holiday is a ready picture, on the project, with an object version and ETag.
func (s Scene) Holiday(version, etag string) asset.Asset {
	a := s.asset(Holiday, "Férias em Lisboa.png", asset.Ready, 5*time.Minute)
	a.Version, a.Project = 2, ProjectID
	a.Type, a.Size, a.Width, a.Height, a.Object, a.ETag = "image/png", int64(len(Picture())), 3, 2, version, etag
	return a
}

// Poster is a picture whose bytes have not come yet.
func (s Scene) Poster() asset.Asset {
	return s.asset(Poster, "poster.png", asset.Pending, 10*time.Minute)
}

// Draft is a picture that failed because its bytes never came.
func (s Scene) Draft() asset.Asset {
	a := s.asset(Draft, "draft.png", asset.Failed, -115*time.Minute)
	a.Version, a.Cause, a.Failure = 2, asset.Expired, "No bytes arrived while the upload could be begun."
	return a
}

// DeliveryID is the id of the webhook's delivery.
func (s Scene) DeliveryID() id.Delivery { return must(id.ParseDelivery(s.id(Delivery))) }

// The plan of the reel: three parts, the last of 1 MiB.
const (
	ReelSize = 11 << 20
	ReelPart = 5 << 20
)

// Reel is a film that comes by parts, under an upload of the bucket.
func (s Scene) Reel(upload string) asset.Asset {
	a := s.asset(Reel, "reel.mp4", asset.Pending, 50*time.Minute)
	a.Via, a.Declared, a.Expected, a.PartSize, a.Upload = asset.ViaParts, "video/mp4", ReelSize, ReelPart, upload
	return a
}

// Stock is a picture that is to be copied from an address.
func (s Scene) Stock() asset.Asset {
	a := s.asset(Stock, "stock.png", asset.Pending, 10*time.Minute)
	a.Via = asset.ViaURL
	return a
}

// StockRow is the row of the stock picture's import from an address.
func (s Scene) StockRow(address string) table.Item {
	return Row(schema.ImportKey(s.Stock().ID), table.Item{
		schema.Workspace: table.String(Workspace), schema.Version: table.Int(1), schema.Generation: table.Int(1),
		schema.Address: table.String(address), schema.MaxSize: table.Int(upload.DefaultMaxImport), schema.Attempt: table.Int(1),
	})
}

// Link is the token of the holiday picture's link.
func (s Scene) Link() string {
	return link.New(Root).Mint(link.Claims{Workspace: WorkspaceID, Asset: s.Holiday("", "").ID, Epoch: 1})
}

// ForgedLink is the token of a link whose last character somebody changed.
func (s Scene) ForgedLink() string { return forge(s.Link()) }

func forge(token string) string { return token[:len(token)-2] + "AA" }

// Row puts a key into an item; nil is an item of the key alone.
func Row(k table.Key, it table.Item) table.Item {
	if it == nil {
		it = table.Item{}
	}
	it[table.AttrPK], it[table.AttrSK] = table.String(k.PK), table.String(k.SK)
	return it
}

// Picture is the file behind the sample assets: a PNG of 3 by 2 pixels.
func Picture() []byte { return bytes.Clone(picture) }

var picture = func() []byte {
	m := image.NewNRGBA(image.Rect(0, 0, 3, 2))
	for i := range 6 {
		m.Set(i%3, i/3, color.NRGBA{R: uint8(40 * i), G: 120, B: uint8(250 - 40*i), A: 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err) // a buffer takes everything
	}
	return b.Bytes()
}()

// Other is what somebody sends under the holiday picture's form later.
func Other() []byte { return []byte("<!doctype html><script>alert(1)</script>") }
