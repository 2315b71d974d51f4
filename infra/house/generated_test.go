package house

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const (
	graphFolder = "shared/api/orders/graph"
	graphSchema = "shared/api/orders/schema.graphql"
)

// The executor of the Orders API is made again in a folder of its own, of the module's dependencies, the schema and the scalars, and has to come
// out as it lies in the repository.
func TestTheExecutorIsAsNewAsItsSchema(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{"go.mod", "go.sum", graphSchema, graphFolder + "/gqlgen.yml", graphFolder + "/graph.go", graphFolder + "/scalars.go"} {
		to := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, read(t, path), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.CommandContext(t.Context(), "go", "tool", "gqlgen", "generate", "--config", "gqlgen.yml")
	c.Dir = filepath.Join(dir, filepath.FromSlash(graphFolder))
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("gqlgen: %v\n%s", err, out)
	}
	for _, name := range []string{"generated.go", "models.go"} {
		made, err := os.ReadFile(filepath.Join(c.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(made, read(t, graphFolder, name)) {
			t.Errorf("%s/%s is older than %s: run go generate ./%s", graphFolder, name, graphSchema, graphFolder)
		}
	}
}
