package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/local/state"
	"github.com/assetry/assetry/infra/local/versity/versitytest"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/dynamo/dynamotest"
	"github.com/assetry/assetry/shared/table/sqlite"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	versitytest.Main(m)
}

var update = flag.Bool("update", false, "rewrite the golden texts")

// said is what one run of the tool said, and its exit code.
type said struct {
	code     int
	out, err string
}

// run runs the tool where nobody can be asked.
func run(t testing.TB, args ...string) said {
	t.Helper()
	return runWith(t, program{}, args...)
}

func runWith(t testing.TB, p program, args ...string) said {
	t.Helper()
	var out, errs bytes.Buffer
	p.out, p.err = &out, &errs
	if p.in == nil {
		p.in = strings.NewReader("")
	}
	code := p.run(t.Context(), args)
	return said{code, out.String(), errs.String()}
}

// must runs the tool and complains unless it succeeds.
func must(t testing.TB, args ...string) said {
	t.Helper()
	s := run(t, args...)
	if s.code != exitOK {
		t.Fatalf("assetry %s: exit code %d\n%s%s", strings.Join(args, " "), s.code, s.out, s.err)
	}
	return s
}

// mustJSON runs the tool with --json and decodes what it says, strictly.
func mustJSON[T any](t testing.TB, args ...string) (v T) {
	t.Helper()
	s := must(t, append([]string{"--json"}, args...)...)
	if s.err != "" {
		t.Errorf("assetry --json %s says on standard error: %s", strings.Join(args, " "), s.err)
	}
	decode(t, s.out, &v)
	return v
}

func decode(t testing.TB, text string, v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
}

// place is a store that the tool acts on, with another way to its table.
type place struct {
	flags  []string // name the store
	table  table.Table
	folder string // "" in AWS
}

// args are the store's flags behind a command.
func (p place) args(command ...string) []string { return append(command, p.flags...) }

// accounts are those of a process that has read nothing yet.
func (p place) accounts() *account.Service { return account.New(p.table, account.Options{}) }

// localPlace is a data folder that a stack has used and left.
func localPlace(t *testing.T) place {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	f, err := state.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Settings()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Root(); err != nil {
		t.Fatal(err)
	}
	if err := f.Keep(s); err != nil {
		t.Fatal(err)
	}
	f.Close()
	return place{[]string{"--data", dir}, openFile(t, filepath.Join(dir, "table.db"), schema.Indexes()), dir}
}

func openFile(t *testing.T, path string, indexes []table.Index) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(path, sqlite.Options{Indexes: indexes})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// cloudPlace is a stack in AWS, as far as there are engines for it here: its table in DynamoDB Local, its bucket in the local S3.
func cloudPlace(t *testing.T) place {
	t.Helper()
	db, found, s3 := dynamotest.Open(t, schema.Indexes()...), dynamotest.Open(t), versitytest.Start(t)
	t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", os.Getenv("ASSETRY_TEST_DYNAMODB"))
	t.Setenv("AWS_ENDPOINT_URL_S3", s3.URL())
	signedIn(t)
	return place{[]string{"--table", db.Name, "--search-table", found.Name, "--bucket", s3.Bucket, "--bus", "no-bus"}, db, ""}
}

// signedIn sets what AWS's own tools read, and nothing of the machine's.
func signedIn(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": versitytest.AccessKey, "AWS_SECRET_ACCESS_KEY": versitytest.SecretKey, "AWS_REGION": "us-east-1",
		"AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_DEFAULT_REGION": "", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": "none", "AWS_SHARED_CREDENTIALS_FILE": "none", envStack: "",
	} {
		t.Setenv(name, value)
	}
}

// onEachStore runs a test on a local folder and on AWS's engines.
func onEachStore(t *testing.T, f func(t *testing.T, p place)) {
	t.Run("local", func(t *testing.T) { f(t, localPlace(t)) })
	t.Run("aws", func(t *testing.T) { f(t, cloudPlace(t)) })
}

// golden compares a text with the one in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; -update writes it", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-golden +got; -update writes it anew):\n%s", path, diff)
	}
}
