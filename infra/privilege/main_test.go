package privilege_test

import (
	"os"
	"testing"

	"github.com/assetry/assetry/infra/local/versity"
)

func TestMain(m *testing.M) {
	versity.MainIfChild()
	os.Exit(m.Run())
}
