package areaplan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/product"
)

func TestFilesAreNamedAfterTheirScans(t *testing.T) {
	long := strings.Repeat("ä", 300)
	var inputs []product.Input
	for _, name := range []string{"lobby.xyz", "Lobby.XYZ", "a/b\\c:d.xyz", ".xyz", long + ".xyz", "no ending", "lobby.tar.xyz", "..", "tab\t.e57"} {
		inputs = append(inputs, product.Input{Name: name})
	}
	want := []string{"lobby-scan-1", "Lobby-scan-2", "a_b_c_d", "scan-scan-4", long[:2*maxFileName], "no ending", "lobby.tar", "scan-scan-8", "tab_"}
	if diff := cmp.Diff(want, fileNames(inputs)); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}
