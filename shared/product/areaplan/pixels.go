package areaplan

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// brush is a pen that draws pixels.
type brush struct {
	on    *image.RGBA
	of    *image.RGBA // the picture
	perMM float64
	fonts map[bool]*opentype.Font
	faces map[face]font.Face
	err   error // the first
}

type face struct {
	size float64
	bold bool
}

// newBrush makes the canvas for a sheet, on which a picture of millimetres is drawn pixel by pixel.
func newBrush(s *sheet) *brush {
	b := &brush{of: s.img, perMM: float64(s.img.Rect.Dx()) / s.wide, fonts: map[bool]*opentype.Font{}, faces: map[face]font.Face{}}
	b.on = image.NewRGBA(image.Rect(0, 0, b.pixel(s.long), b.pixel(s.high)))
	for bold, ttf := range map[bool][]byte{false: goregular.TTF, true: gobold.TTF} {
		f, err := opentype.Parse(ttf)
		if err != nil {
			b.err = err
		}
		b.fonts[bold] = f
	}
	return b
}

func (b *brush) pixel(mm float64) int { return int(math.Round(mm * b.perMM)) }

func (b *brush) fill(x, y, width, height float64, c color.RGBA) {
	r := image.Rect(b.pixel(x), b.pixel(y), b.pixel(x+width), b.pixel(y+height))
	if width > 0 && r.Dx() == 0 {
		r.Max.X++
	}
	if height > 0 && r.Dy() == 0 {
		r.Max.Y++
	}
	draw.Draw(b.on, r, image.NewUniform(c), image.Point{}, draw.Src)
}

func (b *brush) polygon(points [][2]float64, c color.RGBA) {
	r := vector.NewRasterizer(b.on.Rect.Dx(), b.pixel(40)) // polygons are at the top
	for i, p := range points {
		x, y := float32(p[0]*b.perMM), float32(p[1]*b.perMM)
		if i == 0 {
			r.MoveTo(x, y)
		} else {
			r.LineTo(x, y)
		}
	}
	r.ClosePath()
	r.Draw(b.on, r.Bounds(), image.NewUniform(c), image.Point{})
}

// face gives the letters of a size.
func (b *brush) face(size float64, bold bool) font.Face {
	key := face{size, bold}
	if f := b.faces[key]; f != nil || b.err != nil {
		return f
	}
	f, err := opentype.NewFace(b.fonts[bold], &opentype.FaceOptions{Size: size * b.perMM, DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		b.err = fmt.Errorf("areaplan: letters of %g mm: %w", size, err)
		return nil
	}
	b.faces[key] = f
	return f
}

func (b *brush) width(s string, size float64, bold bool) float64 {
	f := b.face(size, bold)
	if b.err != nil {
		return 0
	}
	return float64(font.MeasureString(f, s)) / 64 / b.perMM
}

func (b *brush) text(s string, x, y, size float64, bold bool, align int, c color.RGBA) {
	x -= b.width(s, size, bold) * float64(1-align) / 2
	f := b.face(size, bold)
	if b.err != nil {
		return
	}
	d := font.Drawer{Dst: b.on, Src: image.NewUniform(c), Face: f, Dot: fixed.Point26_6{X: fixed.Int26_6(x * b.perMM * 64), Y: fixed.Int26_6(y * b.perMM * 64)}}
	d.DrawString(s)
}

func (b *brush) picture(x, y, _, _ float64) {
	at := image.Pt(b.pixel(x), b.pixel(y))
	draw.Draw(b.on, b.of.Rect.Add(at), b.of, image.Point{}, draw.Src)
}

// drawPNG draws a sheet as PNG, and gives its size in pixels.
func drawPNG(s *sheet) (file []byte, pixels [2]int, err error) {
	b := newBrush(s)
	if b.err == nil {
		s.draw(b)
	}
	if b.err != nil {
		return nil, pixels, b.err
	}
	file, err = encode(b.on)
	return file, [2]int{b.on.Rect.Dx(), b.on.Rect.Dy()}, err
}

// legible gives a text with a question mark for each letter that the font does not have. Reports have the text as it is.
func legible(s string) (string, error) {
	f, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return "", fmt.Errorf("areaplan: read the font: %w", err)
	}
	var tmp sfnt.Buffer
	return strings.Map(func(r rune) rune {
		if i, err := f.GlyphIndex(&tmp, r); err != nil || i == 0 {
			return '?'
		}
		return r
	}, s), nil
}

func encode(img image.Image) ([]byte, error) {
	var out bytes.Buffer
	err := png.Encode(&out, img)
	return out.Bytes(), err
}
