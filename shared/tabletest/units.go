package tabletest

import (
	"testing"

	"github.com/assetry/assetry/shared/table"
)

// wantSpent demands the units a meter has counted.
func wantSpent(t *testing.T, m *table.Meter, reads, writes float64) {
	t.Helper()
	if r, w, _ := m.Spent(); r != reads || w != writes {
		t.Errorf("spent %v read and %v write units, want %v and %v", r, w, reads, writes)
	}
}
