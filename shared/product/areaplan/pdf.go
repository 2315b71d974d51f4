package areaplan

import (
	"bytes"
	"fmt"
	"image/color"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
)

// typeset is a pen that draws a page of PDF.
type typeset struct{ *fpdf.Fpdf }

// Names within a document.
const (
	family  = "Go"
	topView = "top"
)

// epoch is the time that a document says it is of. A file that is made again has the same bytes, so it cannot say when it was made.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// drawPDF draws a sheet as a page of PDF. The picture comes as PNG; lines and letters are no pixels.
func drawPDF(s *sheet, picture []byte) ([]byte, error) {
	doc := fpdf.NewCustom(&fpdf.InitType{OrientationStr: "P", UnitStr: "mm", Size: fpdf.SizeType{Wd: s.long, Ht: s.high}})
	doc.SetCatalogSort(true)
	doc.SetCreationDate(epoch)
	doc.SetModificationDate(epoch)
	doc.SetProducer("Assetry", true)
	doc.SetTitle(s.title, true)
	doc.SetMargins(0, 0, 0)
	doc.SetAutoPageBreak(false, 0)
	doc.AddUTF8FontFromBytes(family, "", goregular.TTF)
	doc.AddUTF8FontFromBytes(family, "B", gobold.TTF)
	doc.AddPage()
	doc.RegisterImageOptionsReader(topView, fpdf.ImageOptions{ImageType: "PNG"}, bytes.NewReader(picture))
	s.draw(typeset{doc})
	var out bytes.Buffer
	if err := doc.Output(&out); err != nil {
		return nil, fmt.Errorf("areaplan: draw the PDF: %w", err)
	}
	return out.Bytes(), nil
}

func (t typeset) fill(x, y, width, height float64, c color.RGBA) {
	t.SetFillColor(int(c.R), int(c.G), int(c.B))
	t.Rect(x, y, width, height, "F")
}

func (t typeset) polygon(points [][2]float64, c color.RGBA) {
	t.SetFillColor(int(c.R), int(c.G), int(c.B))
	at := make([]fpdf.PointType, len(points))
	for i, p := range points {
		at[i] = fpdf.PointType{X: p[0], Y: p[1]}
	}
	t.Polygon(at, "F")
}

func (t typeset) font(size float64, bold bool) {
	style := ""
	if bold {
		style = "B"
	}
	t.SetFont(family, style, size*72/25.4)
}

func (t typeset) width(s string, size float64, bold bool) float64 {
	t.font(size, bold)
	return t.GetStringWidth(s)
}

func (t typeset) text(s string, x, y, size float64, bold bool, align int, c color.RGBA) {
	x -= t.width(s, size, bold) * float64(1-align) / 2
	t.SetTextColor(int(c.R), int(c.G), int(c.B))
	t.Text(x, y, s)
}

func (t typeset) picture(x, y, width, height float64) {
	t.ImageOptions(topView, x, y, width, height, false, fpdf.ImageOptions{ImageType: "PNG"}, 0, "")
}
