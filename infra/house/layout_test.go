package house

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// top is what lies at the top of the repository. Dotfiles may stand beside it, and what .gitignore names.
var top = []string{
	"functions", "shared", "infra", "events",
	"template.yaml", "samconfig.toml", "go.mod", "go.sum", "Makefile", "README.md",
	"LICENSE", "CHANGELOG.md", "CONTRIBUTING.md",
}

func TestTopLevelIsTheUsers(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	ignored := strings.Split(string(read(t, ".gitignore")), "\n")
	var found []string
	for _, e := range entries {
		found = append(found, e.Name())
		known := slices.Contains(top, e.Name()) || strings.HasPrefix(e.Name(), ".") || slices.Contains(ignored, "/"+e.Name()+"/")
		if !known {
			t.Errorf("%s lies at the top; its place is below infra/, shared/ or functions/", e.Name())
		}
	}
	for _, name := range top {
		if !slices.Contains(found, name) {
			t.Errorf("%s is missing at the top", name)
		}
	}
}

// The words are put together here, so that this file does not hold them.
var nowhere = []struct{ word, why string }{
	{"proxy." + "golang.org", "which mirror serves packages is the machine's business"},
	{"registry." + "npmjs.org", "which mirror serves packages is the machine's business"},
	{"files.python" + "hosted.org", "which mirror serves packages is the machine's business"},
	{"repo1." + "maven.org", "which mirror serves packages is the machine's business"},
	{"repo.maven." + "apache.org", "which mirror serves packages is the machine's business"},
	{"deb." + "debian.org", "which mirror serves packages is the machine's business"},
	{"/wo" + "rk/", "it is a path of one machine"},
	{"/ro" + "ot/", "it is a path of one machine"},
	{"Co-authored" + "-by", "commits and files name no people"},
}

func TestFilesSpeakOfTheProductOnly(t *testing.T) {
	err := walk(func(path string) error {
		b, err := os.ReadFile(filepath.Join(root, path))
		if os.IsNotExist(err) || bytes.IndexByte(b[:min(len(b), 8000)], 0) >= 0 { // removed meanwhile, or not text
			return nil
		}
		if err != nil {
			return err
		}
		for _, no := range nowhere {
			if i := bytes.Index(b, []byte(no.word)); i >= 0 {
				t.Errorf("%s:%d has %q: %s", path, 1+bytes.Count(b[:i], []byte("\n")), no.word, no.why)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestDocumentsNameNoTemporaryPaths(t *testing.T) {
	err := walk(func(path string) error {
		if !strings.HasSuffix(path, ".md") {
			return nil
		}
		if bytes.Contains(read(t, path), []byte("/tm"+"p/")) {
			t.Errorf("%s names a temporary path; use a relative one", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
