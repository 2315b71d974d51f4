package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"

	"github.com/assetry/assetry/shared/upload"
)

// picture is a PNG; each number is another file.
func picture(number int) []byte {
	img := image.NewGray(image.Rect(0, 0, 8, 6))
	for i := range 8 {
		img.SetGray(i, 1, color.Gray{Y: uint8(number >> (4 * i))})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err) // a buffer takes everything
	}
	return b.Bytes()
}

// largePicture is a picture of a part and a little: what follows a picture's end is no part of it, and is kept.
func largePicture(number int) []byte {
	b := make([]byte, upload.MinPartSize+1000)
	binary.BigEndian.PutUint64(b[len(b)-8:], uint64(number))
	copy(b, picture(number))
	return b
}

// xyz is a scan of 200 points; each number is another file.
func xyz(number int) []byte {
	var b bytes.Buffer
	for i := range 200 {
		fmt.Fprintf(&b, "%d.%02d %d.5 %d\n", i%20, i%100, i/20, number%1000)
	}
	return b.Bytes()
}

// webPage is no file that is taken.
func webPage(number int) []byte {
	return fmt.Appendf(nil, "<!doctype html><title>%d</title><script>alert(1)</script>", number)
}
