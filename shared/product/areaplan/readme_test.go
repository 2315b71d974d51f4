package areaplan_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/roomscan"
	"github.com/assetry/assetry/shared/enginetest"
	"github.com/assetry/assetry/shared/product"
	"github.com/assetry/assetry/shared/product/areaplan"
)

// What README shows is what a scan's report is.
func TestREADMEShowsAReport(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(enginetest.Root(), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(readme), "## What areaplan delivers")
	_, after, _ = strings.Cut(after, "```json\n")
	example, _, ok := strings.Cut(after, "```")
	if !ok {
		t.Fatal("README has no example of a report")
	}
	var shown areaplan.Report
	d := json.NewDecoder(strings.NewReader(example))
	d.DisallowUnknownFields()
	if err := d.Decode(&shown); err != nil {
		t.Fatalf("README's example: %v", err)
	}
	made, _ := whole(t, product.Metric, input("lobby.xyz", room(t, roomscan.Scan{Seed: 1, Columns: roomscan.XYZIRGB}, 6_000_000)))
	made.XYZ.Gaps.Largest = made.XYZ.Gaps.Largest[:1] // README shows the largest alone
	made.View.Sums = shown.View.Sums                  // of compressed files, which another Go may write otherwise
	if diff := cmp.Diff(shown, made); diff != "" {
		b, _ := json.Marshal(made)
		t.Errorf("README's example is another than the report (-README +made):\n%s\n%s", diff, b)
	}
}
