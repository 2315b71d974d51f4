package boot

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/ratelimit"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/upload"
)

// cloudServer answers as the four services of AWS do, as far as boot's engines ask them, and keeps what came.
type cloudServer struct {
	url string

	mu     sync.Mutex
	seen   []string // method, path, X-Amz-Target and the service the request is signed for
	bodies []map[string]any
	secret string // answer of GetSecretValue; "" is none
}

func newCloudServer(t *testing.T) *cloudServer {
	t.Helper()
	c := &cloudServer{}
	h := httptest.NewServer(c)
	t.Cleanup(h.Close)
	c.url = h.URL
	for _, service := range []string{"DYNAMODB", "S3", "EVENTBRIDGE", "SECRETS_MANAGER"} {
		t.Setenv("AWS_ENDPOINT_URL_"+service, h.URL)
	}
	return c
}

func (c *cloudServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b, _ := io.ReadAll(r.Body)
	var body map[string]any
	_ = json.Unmarshal(b, &body)
	signedFor := ""
	if scope := strings.Split(r.Header.Get("Authorization"), "/"); len(scope) > 3 {
		signedFor = scope[3]
	}
	c.seen = append(c.seen, strings.TrimSpace(r.Method+" "+r.URL.Path+" "+r.Header.Get("X-Amz-Target")+" "+signedFor))
	c.bodies = append(c.bodies, body)
	switch r.Header.Get("X-Amz-Target") {
	case "secretsmanager.GetSecretValue":
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		if c.secret == "" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"ResourceNotFoundException","Message":"Secrets Manager can't find the specified secret."}`)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"ARN": "arn:x", "Name": "root", "VersionId": "1", "SecretString": c.secret, "CreatedDate": 1.79e9})
	case "AWSEvents.PutEvents":
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_, _ = io.WriteString(w, `{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}`)
	case "":
		w.WriteHeader(http.StatusNotFound)
	default:
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = io.WriteString(w, `{}`)
	}
}

// setAll sets every variable that a function may need.
func setAll(t *testing.T) {
	t.Helper()
	for k, v := range map[string]string{
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token",
		EnvTable: "assets-table", EnvIntrospection: "on", EnvSearch: "search-table", EnvBucket: "assets-bucket", EnvBus: "assets-bus", EnvRootKey: "root-key",
		EnvPublicURL: "", EnvGrant: "", EnvMaxSize: "",
	} {
		t.Setenv(k, v)
	}
}

// deployed are the services of a function, whatever its environment.
func deployed() *Services { return New(&cloud{http: awshttp.NewBuildableClient()}) }

// panicOf gives the text of the panic of f; "" is none.
func panicOf(f func()) (text string) {
	defer func() {
		if p := recover(); p != nil {
			text = fmt.Sprint(p)
		}
	}()
	f()
	return ""
}

func TestAMissingVariableIsNamedByWhatNeedsIt(t *testing.T) {
	creds := []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
	for _, tt := range []struct {
		name  string
		get   func(*Services)
		needs []string
	}{
		{"the table", func(s *Services) { s.Table() }, append(creds[:3:3], EnvTable)},
		{"the search index", func(s *Services) { s.Search() }, append(creds[:3:3], EnvTable)},
		{"the bucket", func(s *Services) { s.Bucket() }, append(creds[:3:3], EnvBucket)},
		{"the bus", func(s *Services) { s.Bus() }, append(creds[:3:3], EnvBus)},
		{"the root key", func(s *Services) { s.rootKey() }, append(creds[:3:3], EnvRootKey)},
		{"uploads", func(s *Services) { s.Uploads() }, append(creds[:3:3], EnvTable, EnvBucket)},
		{"the origin of links", func(s *Services) { s.PublicURL() }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			setAll(t)
			newCloudServer(t).secret = secret.NewRoot().Encode()
			if p := panicOf(func() { tt.get(deployed()) }); p != "" {
				t.Fatalf("with every variable set: %s", p)
			}
			for _, name := range tt.needs {
				t.Run("without "+name, func(t *testing.T) {
					t.Setenv(name, "")
					if p := panicOf(func() { tt.get(deployed()) }); !strings.Contains(p, name) {
						t.Errorf("the panic %q does not name %s", p, name)
					}
				})
			}
			for _, v := range os.Environ() { // what it does not need it does not miss
				name, _, _ := strings.Cut(v, "=")
				if strings.HasPrefix(name, "ASSETRY_") && !slices.Contains(tt.needs, name) {
					t.Setenv(name, "")
				}
			}
			if p := panicOf(func() { tt.get(deployed()) }); p != "" {
				t.Errorf("with only what it needs: %s", p)
			}
		})
	}
}

func TestNumbersOfTheEnvironment(t *testing.T) {
	for _, tt := range []struct {
		name, variable, value string
		want                  upload.Options
		refused               bool
	}{
		{"unset is the default", EnvGrant, "", upload.Options{}, false},
		{"a grant of a minute", EnvGrant, "1", upload.Options{Grant: time.Minute}, false},
		{"the longest grant", EnvGrant, "360", upload.Options{Grant: 6 * time.Hour}, false},
		{"a grant that is longer", EnvGrant, "361", upload.Options{}, true},
		{"a grant that overflows", EnvGrant, "9223372036854775807", upload.Options{}, true},
		{"no grant", EnvGrant, "0", upload.Options{}, true},
		{"a negative grant", EnvGrant, "-15", upload.Options{}, true},
		{"a grant in words", EnvGrant, "15m", upload.Options{}, true},
		{"a grant with a fraction", EnvGrant, "1.5", upload.Options{}, true},
		{"a size of one byte", EnvMaxSize, "1", upload.Options{MaxSize: 1}, false},
		{"S3's limit", EnvMaxSize, "5368709120", upload.Options{MaxSize: 5 << 30}, false},
		{"more than S3's limit", EnvMaxSize, "5368709121", upload.Options{}, true},
		{"more than a number holds", EnvMaxSize, "99999999999999999999", upload.Options{}, true},
		{"a size with a unit", EnvMaxSize, "5GiB", upload.Options{}, true},
		{"parts for two hours", EnvPartGrant, "120", upload.Options{PartGrant: 2 * time.Hour}, false},
		{"parts for longer than forms may be", EnvPartGrant, "361", upload.Options{}, true},
		{"imports of a byte", EnvMaxImport, "1", upload.Options{Import: upload.ImportOptions{MaxSize: 1}}, false},
		{"imports as large as parts can be", EnvMaxImport, "53687091200000", upload.Options{Import: upload.ImportOptions{MaxSize: upload.MaxSize}}, false},
		{"imports larger than parts can be", EnvMaxImport, "53687091200001", upload.Options{}, true},
		{"imports of a byte a day", EnvImportDay, "1", upload.Options{Import: upload.ImportOptions{BytesADay: 1}}, false},
		{"imports without a limit by the day", EnvImportDay, "0", upload.Options{}, false},
		{"more imports a day than is allowed", EnvImportDay, "1000000000000001", upload.Options{}, true},
		{"eight ranges at once", EnvParallel, "8", upload.Options{Import: upload.ImportOptions{Parallel: 8}}, false},
		{"too many ranges at once", EnvParallel, "33", upload.Options{}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			setAll(t)
			t.Setenv(tt.variable, tt.value)
			var got upload.Options
			p := panicOf(func() { got = (&cloud{}).Upload() })
			if tt.refused != (p != "") || tt.refused && (!strings.Contains(p, tt.variable) || !strings.Contains(p, tt.value)) {
				t.Fatalf("%s = %q gave the panic %q", tt.variable, tt.value, p)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s = %q gave (-want +got):\n%s", tt.variable, tt.value, diff)
			}
			err := checkEnvironment(Table, Bucket)
			if tt.refused != (err != nil) || err != nil && (!strings.Contains(err.Error(), tt.variable) || !strings.Contains(err.Error(), tt.value)) {
				t.Errorf("init with %s = %q gave %v", tt.variable, tt.value, err)
			}
		})
	}
}

func TestRatesAreThoseOfTheEnvironment(t *testing.T) {
	for _, tt := range []struct {
		name, standard, premium string
		want                    ratelimit.Options
		refused                 string // which of them
	}{
		{"unset is the default", "", "", ratelimit.Options{}, ""},
		{"one each", "1", "2", ratelimit.Options{Standard: 1, Premium: 2}, ""},
		{"the most", "1000000", "1000000", ratelimit.Options{Standard: 1_000_000, Premium: 1_000_000}, ""},
		{"none", "0", "", ratelimit.Options{}, EnvRateStandard},
		{"more than the most", "", "1000001", ratelimit.Options{}, EnvRatePremium},
		{"a word", "", "unlimited", ratelimit.Options{}, EnvRatePremium},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv(EnvRateStandard, tt.standard)
			t.Setenv(EnvRatePremium, tt.premium)
			var got ratelimit.Options
			p := panicOf(func() { got = (&cloud{}).Rates() })
			if got.Standard != tt.want.Standard || got.Premium != tt.want.Premium || (p != "") != (tt.refused != "") || !strings.Contains(p, tt.refused) {
				t.Errorf("Rates = %+v, and the panic %q; want %+v, refused %q", got, p, tt.want, tt.refused)
			}
		})
	}
}

func TestPublicURLHasNoSlashAtItsEnd(t *testing.T) {
	for value, want := range map[string]string{"": "", "https://a.example": "https://a.example", "https://a.example/": "https://a.example", "https://a.example/x//": "https://a.example/x"} {
		t.Setenv(EnvPublicURL, value)
		if got := deployed().PublicURL(); got != want {
			t.Errorf("PublicURL of %q = %q, want %q", value, got, want)
		}
	}
}

func TestEnginesAskTheEndpointsOfTheEnvironment(t *testing.T) {
	setAll(t)
	c := newCloudServer(t)
	c.secret = secret.NewRoot().Encode()
	s := deployed()
	if len(c.seen) > 0 {
		t.Errorf("AWS sent %v before anything was needed", c.seen)
	}
	if _, err := s.Table().Get(t.Context(), table.Key{PK: "a", SK: "b"}, table.Strong); err != table.ErrNotFound {
		t.Errorf("Get: %v", err)
	}
	if failed, err := s.Bus().Publish(t.Context(), []bus.Event{{Type: bus.AssetReady}}); err != nil || len(failed) > 0 {
		t.Errorf("Publish = %v, %v", failed, err)
	}
	if _, err := s.Bucket().Head(t.Context(), "w/x", "v"); err == nil {
		t.Error("Head of a missing object: no error")
	}
	s.Warm(t.Context())
	want := []string{
		"POST / DynamoDB_20120810.GetItem dynamodb",
		"POST / AWSEvents.PutEvents events",
		"HEAD /assets-bucket/w/x  s3",
	}
	if diff := cmp.Diff(want, c.seen[:min(3, len(c.seen))]); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	warm := map[string]bool{}
	for _, r := range c.seen[3:] {
		warm[r] = true
	}
	if diff := cmp.Diff(map[string]bool{"GET /": true, "POST / secretsmanager.GetSecretValue secretsmanager": true}, warm); diff != "" {
		t.Errorf("requests of Warm (-want +got):\n%s", diff)
	}
	if name := c.bodies[0]["TableName"]; name != "assets-table" {
		t.Errorf("the table asked for is %v", name)
	}
}

func TestTheRootKeyComesFromSecretsManager(t *testing.T) {
	setAll(t)
	c := newCloudServer(t)
	root := secret.NewRoot()
	c.secret = root.Encode()
	s := deployed()
	for range 2 {
		if got := s.rootKey().Encode(); got != root.Encode() {
			t.Error("the root key is not the one that is stored")
		}
	}
	if len(c.seen) != 1 || c.bodies[0]["SecretId"] != "root-key" {
		t.Errorf("requests %v for %v, want one for root-key", c.seen, c.bodies)
	}
}

func TestARootKeyThatCannotBeRead(t *testing.T) {
	for name, tt := range map[string]struct{ stored, want string }{
		"a secret that is not there": {"", "read the root key"},
		"a secret that is no key":    {"hunter2", "root-key"},
	} {
		t.Run(name, func(t *testing.T) {
			setAll(t)
			c := newCloudServer(t)
			c.secret = tt.stored
			s := deployed()
			p := panicOf(func() { s.Links() })
			if !strings.Contains(p, tt.want) || tt.stored != "" && strings.Contains(p, tt.stored) {
				t.Errorf("the panic is %q, want it to say %q and not the secret", p, tt.want)
			}
			s.Warm(t.Context()) // survives it
			root := secret.NewRoot()
			c.mu.Lock()
			c.secret = root.Encode()
			c.mu.Unlock()
			if p := panicOf(func() { s.Links() }); p != "" {
				t.Errorf("once the key is there: %s", p)
			}
		})
	}
}

func TestWarmBearsADeadEndpoint(t *testing.T) {
	setAll(t)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for _, url := range []string{gone.URL, "://no url"} {
		t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
		deployed().WarmTable(t.Context())
	}
}
