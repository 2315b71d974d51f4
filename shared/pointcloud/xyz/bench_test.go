package xyz_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/assetry/assetry/infra/roomscan"
	"github.com/assetry/assetry/shared/pointcloud/xyz"
)

func BenchmarkRead(b *testing.B) {
	for _, columns := range []roomscan.Columns{roomscan.XYZ, roomscan.XYZIRGB} {
		b.Run(string(columns), func(b *testing.B) {
			var text bytes.Buffer
			points, err := roomscan.Scan{Seed: 1, Columns: columns}.Write(&text, 8<<20)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(text.Len()))
			dst := make([]xyz.Point, 4096)
			for b.Loop() {
				r := xyz.NewReader(bytes.NewReader(text.Bytes()), xyz.State{})
				for err := error(nil); err == nil; {
					_, err = r.Read(dst)
					if err != nil && err != io.EOF {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(points)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mpoints/s")
		})
	}
}
