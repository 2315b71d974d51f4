package boot

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"unicode"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/assetry/assetry/shared/invocation"
	"github.com/assetry/assetry/shared/upload"
)

// The environment variables of a function, as template.yaml sets them. Beside them count AWS's own: AWS_REGION, the credentials, the
// function's name and the log level, which Lambda sets, and AWS_ENDPOINT_URL_DYNAMODB, _S3, _EVENTBRIDGE and _SECRETS_MANAGER, for a run
// against other endpoints.
const (
	EnvStack     = "ASSETRY_STACK"           // name of the stack, the dimension Service of metrics; unset: none are written
	EnvTable     = "ASSETRY_TABLE"           // name of the table
	EnvSearch    = "ASSETRY_SEARCH_TABLE"    // name of the search index's table; unset: none is kept, and searches read rows
	EnvBucket    = "ASSETRY_BUCKET"          // name of the bucket
	EnvBus       = "ASSETRY_BUS"             // name or ARN of the event bus
	EnvRootKey   = "ASSETRY_ROOT_KEY_SECRET" // ARN or name of the secret that holds the root key
	EnvPublicURL = "ASSETRY_PUBLIC_URL"      // origin of links, such as https://assets.example.com; unset: the request's own
	EnvGrant     = "ASSETRY_GRANT_MINUTES"   // how long an upload form may be begun with, 1 to 360; unset: 15
	EnvMaxSize   = "ASSETRY_MAX_BYTES"       // largest file a form takes, 1 byte to 5 GiB; unset: 5 GiB, S3's limit

	EnvPartGrant = "ASSETRY_PART_GRANT_MINUTES" // how long a part may be begun with, 1 to 360; unset: 60
	EnvMaxImport = "ASSETRY_MAX_IMPORT_BYTES"   // largest file that is imported, 1 byte to 53,687,091,200,000; unset: 50 MiB
	EnvImportDay = "ASSETRY_IMPORT_BYTES_A_DAY" // what a workspace imports a day (UTC), 0 to 1 PB; 0, unset: any number
	EnvParallel  = "ASSETRY_IMPORT_PARALLEL"    // ranges of one source that are copied at once, 1 to 32; unset: 4

	EnvRateStandard = "ASSETRY_RATE_STANDARD" // requests an hour of a client of the tier standard, 1 to 1,000,000; unset: 1,000
	EnvRatePremium  = "ASSETRY_RATE_PREMIUM"  // the same of the tier premium; unset: 5,000

	EnvOpenOrders  = "ASSETRY_ORDERS_OPEN"        // orders of a workspace that are neither completed, failed nor given up, 0 to 1,000,000; 0, unset: any number
	EnvOpenUploads = "ASSETRY_ORDER_UPLOADS_OPEN" // inputs of a workspace's orders whose bytes are on their way, 0 to 1,000,000; 0, unset: any number
	EnvDraftDays   = "ASSETRY_DRAFT_DAYS"         // for how many days an order that is not submitted is kept after its last change, 1 to 3650; unset: 30
	EnvMaxInput    = "ASSETRY_ORDER_MAX_BYTES"    // largest input of an order, 1 byte to 53,687,091,200,000; unset: 5 TB

	EnvIntrospection = "ASSETRY_INTROSPECTION"  // on: GraphQL clients may ask for the schema by a query; off or unset: they read it where it is documented
	EnvOrderTries    = "ASSETRY_ORDER_TRIES"    // how often the work on an order is begun at one place before it fails, 1 to 10; unset: 3
	EnvOrdersAtOnce  = "ASSETRY_ORDERS_AT_ONCE" // orders of one workspace in work at once, 1 to 100; unset: 4
)

// Need is an engine of AWS that a function cannot work without.
type Need uint8

// The needs, as mains state them.
const (
	Table   Need = 1 << iota // the table of metadata
	Bucket                   // the bucket of the bytes
	Bus                      // the event bus
	RootKey                  // the secret that links and cursors are derived from
)

// AWS gives the services of a deployed function that needs some of its engines. It reads the environment and sends nothing. If a
// variable of theirs is missing, or any that is set makes no sense, it ends the process with one line that names them all: then the
// function fails in init, and the deployment with it, not at its first request.
func AWS(needs ...Need) *Services {
	if err := checkEnvironment(needs...); err != nil {
		invocation.Fail(err)
	}
	return New(&cloud{http: awshttp.NewBuildableClient()})
}

// variable is one that functions read.
type variable struct {
	name string
	of   Need              // whoever needs one of these needs it; 0: it may be unset
	what string            // what it is and what is allowed, after "it must be"
	ok   func(string) bool // of a value that is set
	mute bool              // its value is not repeated: somebody may have put a secret there
}

const anyNeed = Table | Bucket | Bus | RootKey

// environment are all of them.
func environment() []variable {
	address := "the address of a service, such as http://127.0.0.1:8000"
	return []variable{
		{name: "AWS_REGION", of: anyNeed, what: "the region, such as eu-central-1", ok: made(1, 64, "-")},
		{name: "AWS_ACCESS_KEY_ID", of: anyNeed, what: "the access key that Lambda gives a function", ok: anything, mute: true},
		{name: "AWS_SECRET_ACCESS_KEY", of: anyNeed, what: "the secret key that Lambda gives a function", ok: anything, mute: true},
		{name: EnvTable, of: Table, what: "the name of a table: 3 to 255 letters, digits, dots, hyphens and underscores", ok: made(3, 255, ".-_")},
		{name: EnvSearch, what: "the name of a table: 3 to 255 letters, digits, dots, hyphens and underscores", ok: made(3, 255, ".-_")},
		{name: EnvBucket, of: Bucket, what: "the name of a bucket: 3 to 63 lower-case letters, digits, dots and hyphens", ok: isBucket},
		{name: EnvBus, of: Bus, what: "the name or the ARN of an event bus", ok: func(s string) bool { return isARN(s, "events") || made(1, 256, "/.-_")(s) }},
		{name: EnvRootKey, of: RootKey, what: "the ARN or the name of a secret in Secrets Manager, and not the secret", mute: true,
			ok: func(s string) bool { return isARN(s, "secretsmanager") || made(1, 512, "/_+=.@-")(s) }},
		{name: EnvPublicURL, what: "an origin such as https://assets.example.com", ok: isAddress},
		{name: EnvStack, what: "the name of a stack: at most 128 letters, digits and hyphens", ok: made(1, 128, "-")},
		whole(EnvGrant, maxGrantMinutes), whole(EnvPartGrant, maxGrantMinutes), whole(EnvMaxSize, upload.MaxForm),
		whole(EnvMaxImport, upload.MaxSize), whole(EnvParallel, maxParallel),
		whole(EnvRateStandard, maxRate), whole(EnvRatePremium, maxRate),
		quota(EnvOpenOrders, maxOpen), quota(EnvOpenUploads, maxOpen), quota(EnvImportDay, maxImportDay), whole(EnvDraftDays, maxDraftDays), whole(EnvMaxInput, upload.MaxSize),
		{name: EnvIntrospection, what: "on or off", ok: func(s string) bool { return s == "on" || s == "off" }},
		whole(EnvOrderTries, maxOrderTries), whole(EnvOrdersAtOnce, maxOrdersAtOnce),
		{name: "AWS_ENDPOINT_URL_DYNAMODB", what: address, ok: isAddress},
		{name: "AWS_ENDPOINT_URL_S3", what: address, ok: isAddress},
		{name: "AWS_ENDPOINT_URL_EVENTBRIDGE", what: address, ok: isAddress},
		{name: "AWS_ENDPOINT_URL_SECRETS_MANAGER", what: address, ok: isAddress},
	}
}

// checkEnvironment names every variable that is missing for some needs, and every one whose value makes no sense: those count for all
// functions, because the template gives all of them the same.
func checkEnvironment(needs ...Need) error {
	var need Need
	for _, n := range needs {
		need |= n
	}
	var wrong []string
	for _, v := range environment() {
		if says := v.wrong(os.Getenv(v.name), need); says != "" {
			wrong = append(wrong, says)
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return errors.New(strings.Join(wrong, "; "))
}

// wrong says what is wrong with a value; "" is nothing.
func (v variable) wrong(value string, need Need) string {
	switch {
	case value == "" && v.of&need != 0:
		return fmt.Sprintf("the environment variable %s is not set, and must be %s", v.name, v.what)
	case value == "" || v.ok(value):
		return ""
	case v.mute || strings.Contains(value, "@"): // a password may stand before it
		return fmt.Sprintf("the environment variable %s has %d bytes that make no sense, and must be %s", v.name, len(value), v.what)
	}
	return fmt.Sprintf("the environment variable %s is %.100q, and must be %s", v.name, value, v.what)
}

// whole is a variable that holds a whole number from 1 to most.
func whole(name string, most int64) variable {
	return variable{name: name, what: fmt.Sprintf("a whole number from 1 to %d", most), ok: func(s string) bool {
		n, err := strconv.ParseInt(s, 10, 64)
		return err == nil && n >= 1 && n <= most
	}}
}

// maxOpen is the greatest quota, as template.yaml has it.
const maxOpen = 1_000_000

// maxImportDay is the most bytes a day that can be allowed, as template.yaml has it: 1 PB.
const maxImportDay = 1_000_000_000_000_000

// quota is a variable that holds a whole number up to most, of which 0 is no limit.
func quota(name string, most int64) variable {
	return variable{name: name, what: fmt.Sprintf("a whole number from 0 to %d", most), ok: func(s string) bool {
		return s == "0" || whole(name, most).ok(s)
	}}
}

func anything(string) bool { return true }

// made says whether a text has least to most bytes, all of them letters of ASCII, digits and some others.
func made(least, most int, others string) func(string) bool {
	return func(s string) bool {
		return len(s) >= least && len(s) <= most && !strings.ContainsFunc(s, func(r rune) bool {
			return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(others, r)
		})
	}
}

// isBucket knows S3's rules for names of general buckets, but for the few that are reserved.
func isBucket(s string) bool {
	return made(3, 63, ".-")(s) && s == strings.ToLower(s) && strings.Trim(s, ".-") == s && !strings.Contains(s, "..")
}

// isARN says whether a text names a thing of a service: arn:partition:service:region:account:thing.
func isARN(s, service string) bool {
	p := strings.SplitN(s, ":", 6)
	return len(p) == 6 && p[0] == "arn" && p[1] != "" && p[2] == service && made(1, 64, "-")(p[3]) && made(12, 12, "")(p[4]) &&
		p[5] != "" && !strings.ContainsFunc(s, unicode.IsSpace)
}

// isAddress says whether a text is the address of a host, with or without a path.
func isAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil &&
		!strings.ContainsAny(s, "?#") && !strings.ContainsFunc(s, unicode.IsSpace)
}
