package areaplan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/assetry/assetry/shared/pointcloud/e57"
	"github.com/assetry/assetry/shared/product"
)

// Described is what an E57 says about itself. Its points are not read. Coordinates are in metres, as the standard wants.
type Described struct {
	Version            string          `json:"version"`
	Library            string          `json:"library"` // that wrote the file
	GUID               string          `json:"guid"`
	CoordinateMetadata string          `json:"coordinate_metadata"`
	Points             int64           `json:"points"` // of all scans
	ScanCount          int             `json:"scan_count"`
	ImageCount         int             `json:"image_count"`
	Scans              []DescribedScan `json:"scans"` // the first 1,000
}

// DescribedScan is one scan of an E57.
type DescribedScan struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	GUID        string   `json:"guid"`
	Scanner     string   `json:"scanner"` // vendor and model
	Points      int64    `json:"points"`
	Bounds      *Bounds  `json:"bounds"` // before the pose; null: not said
	Pose        *Pose    `json:"pose"`   // null: the scan lies in the file's coordinates as it is
	Intensity   bool     `json:"intensity"`
	Colour      bool     `json:"colour"`
	Columns     []Column `json:"columns"` // the prototype of a point
}

// Pose says how a scan lies in the coordinates of its file.
type Pose struct {
	Rotation    [4]float64 `json:"rotation"` // a unit quaternion: w, x, y, z
	Translation [3]float64 `json:"translation"`
}

// Column is a column of the points of an E57, with its limits as the file spells them.
type Column struct {
	Name      string `json:"name"`
	Type      string `json:"type"`
	Precision string `json:"precision,omitempty"`
	Min       string `json:"min,omitempty"`
	Max       string `json:"max,omitempty"`
}

// runE57 reports what a file in E57 says about itself. That is little to read, so it is one call.
func runE57(ctx context.Context, t *product.Task, in product.Input, name string) (product.Result, error) {
	f, err := e57.Read(e57.Source{Size: in.Size, Open: func(off int64) (io.ReadCloser, error) { return in.Open(ctx, off) }})
	var invalid *e57.Invalid
	if errors.As(err, &invalid) {
		return product.Result{}, product.Refuse("%s %s", in.Name, invalid.Message)
	}
	if err != nil {
		return product.Result{}, fmt.Errorf("read %s: %w", in.Asset, err)
	}
	t.IsSpent(f.Header.PageSize + f.Header.XMLLength) // it is told; what is left takes no time
	r := newReport(in, unitsOf(t.Job.Units))
	r.E57 = describe(f)
	r.Remarks = append(r.Remarks,
		"This report holds what the file's header and XML say. Its points were not read; the view of a scan in E57 follows in a later version.",
		"Coordinates in E57 are in metres, whatever units the order declares.")
	if f.ScanCount > len(f.Scans) {
		r.Remarks = append(r.Remarks, fmt.Sprintf("The file has %d scans, of which the first %d are listed.", f.ScanCount, len(f.Scans)))
	}
	file, err := r.file()
	return product.Result{Done: true, Deliverables: []product.Deliverable{{Name: name + "-report.json", Type: "application/json", Bytes: file}}}, err
}

func describe(f *e57.File) *Described {
	d := &Described{
		Version: fmt.Sprintf("%d.%d", f.Header.Major, f.Header.Minor), Library: f.Library, GUID: f.GUID, CoordinateMetadata: f.CoordinateMetadata,
		ScanCount: f.ScanCount, ImageCount: f.ImageCount, Scans: []DescribedScan{},
	}
	for _, s := range f.Scans {
		d.Points += s.Points
		one := DescribedScan{
			Name: s.Name, Description: s.Description, GUID: s.GUID, Scanner: strings.TrimSpace(s.Vendor + " " + s.Model), Points: s.Points,
			Bounds: (*Bounds)(s.Bounds), Pose: (*Pose)(s.Pose), Columns: []Column{},
		}
		for _, c := range s.Fields {
			one.Intensity = one.Intensity || c.Name == "intensity"
			one.Colour = one.Colour || c.Name == "colorRed"
			one.Columns = append(one.Columns, Column(c))
		}
		d.Scans = append(d.Scans, one)
	}
	return d
}
