package house

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/assetry/assetry/infra/template"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/upload"
)

// readTemplate is template.yaml with its own defaults.
func readTemplate(t *testing.T) *template.Template {
	t.Helper()
	tp, err := template.Read(filepath.Join(root, "template.yaml"), template.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(tp.Functions) == 0 {
		t.Fatal("template.yaml has no functions")
	}
	return tp
}

// parsed is what raw gives, once it was asked.
var parsed map[string]any

// raw is template.yaml with every tag but its text left out: !GetAtt Table.Arn is "Table.Arn". Nobody changes it.
func raw(t *testing.T) map[string]any {
	t.Helper()
	if parsed != nil {
		return parsed
	}
	var top yaml.Node
	if err := yaml.Unmarshal(read(t, "template.yaml"), &top); err != nil {
		t.Fatal(err)
	}
	parsed = plain(t, top.Content[0]).(map[string]any)
	return parsed
}

func plain(t *testing.T, n *yaml.Node) any {
	t.Helper()
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			m[n.Content[i].Value] = plain(t, n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			list = append(list, plain(t, c))
		}
		return list
	}
	if strings.HasPrefix(n.Tag, "!!") {
		var v any
		if err := n.Decode(&v); err != nil {
			t.Fatalf("template.yaml line %d: %v", n.Line, err)
		}
		return v
	}
	return n.Value
}

// at walks down mappings and lists, for example at(t, m, "Rules", 0, "Id").
func at(t *testing.T, v any, path ...any) any {
	t.Helper()
	for i, step := range path {
		switch s := step.(type) {
		case string:
			m, ok := v.(map[string]any)
			if !ok || m[s] == nil {
				t.Fatalf("template.yaml has no %v", path[:i+1])
			}
			v = m[s]
		case int:
			list, ok := v.([]any)
			if !ok || s >= len(list) {
				t.Fatalf("template.yaml has no %v", path[:i+1])
			}
			v = list[s]
		}
	}
	return v
}

// properties are those of a resource.
func properties(t *testing.T, resource string, path ...any) any {
	t.Helper()
	return at(t, raw(t), append([]any{"Resources", resource, "Properties"}, path...)...)
}

func TestTableIsTheOneThatTheDriverMakes(t *testing.T) {
	key := func(pk, sk string) any {
		return []any{map[string]any{"AttributeName": pk, "KeyType": "HASH"}, map[string]any{"AttributeName": sk, "KeyType": "RANGE"}}
	}
	want := map[string]any{"": key(table.AttrPK, table.AttrSK)}
	for _, x := range schema.Indexes() {
		want[x.Name] = key(x.PK, x.SK)
	}
	got := map[string]any{"": properties(t, "Table", "KeySchema")}
	for _, x := range properties(t, "Table", "GlobalSecondaryIndexes").([]any) {
		got[at(t, x, "IndexName").(string)] = at(t, x, "KeySchema")
		if p := at(t, x, "Projection", "ProjectionType"); p != "ALL" {
			t.Errorf("index %v projects %v; package table promises whole items", at(t, x, "IndexName"), p)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("keys of table and indexes (-shared/schema +template.yaml):\n%s", d)
	}
	if v := properties(t, "Table", "StreamSpecification", "StreamViewType"); v != "NEW_AND_OLD_IMAGES" {
		t.Errorf("the stream shows %v; a change has both images", v)
	}
	ttl := properties(t, "Table", "TimeToLiveSpecification")
	if d := cmp.Diff(map[string]any{"AttributeName": table.AttrExpires, "Enabled": true}, ttl); d != "" {
		t.Errorf("time to live (-want +got):\n%s", d)
	}
}

func TestWhatMustNotBeLostIsKept(t *testing.T) {
	deletion := map[string]string{"Table": "Retain", "Bucket": "RetainExceptOnCreate", "RootKey": "RetainExceptOnCreate", "FailedEvents": "RetainExceptOnCreate"}
	for name, want := range deletion {
		for policy, want := range map[string]string{"DeletionPolicy": want, "UpdateReplacePolicy": "Retain"} {
			if got := at(t, raw(t), "Resources", name, policy); got != want {
				t.Errorf("%s of %s is %v, want %s", policy, name, got, want)
			}
		}
	}
	if properties(t, "Table", "DeletionProtectionEnabled") != true {
		t.Error("the table is not protected against deletion")
	}
	if properties(t, "Table", "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled") != true {
		t.Error("the table cannot be restored to a point in time")
	}
}

func TestBucketsArePrivateAndEncrypted(t *testing.T) {
	for bucket, policy := range map[string]string{"Bucket": "BucketPolicy", "FailedEvents": "FailedEventsPolicy"} {
		block := map[string]any{"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true}
		if d := cmp.Diff(block, properties(t, bucket, "PublicAccessBlockConfiguration")); d != "" {
			t.Errorf("%s lets the public in (-want +got):\n%s", bucket, d)
		}
		if got := properties(t, bucket, "OwnershipControls", "Rules", 0, "ObjectOwnership"); got != "BucketOwnerEnforced" {
			t.Errorf("objects of %s belong to %v", bucket, got)
		}
		for branch, want := range map[int]string{1: "aws:kms", 2: "AES256"} { // with a KMS key, and without
			if got := properties(t, bucket, "BucketEncryption", "ServerSideEncryptionConfiguration", 0, "ServerSideEncryptionByDefault", branch, "SSEAlgorithm"); got != want {
				t.Errorf("objects of %s are encrypted by %v, want %s", bucket, got, want)
			}
		}
		if got := properties(t, policy, "Bucket"); got != bucket { // whom it refuses is tested in infra/privilege
			t.Errorf("%s is the policy of %v, want %s", policy, got, bucket)
		}
	}
}

func TestBucketKeepsItsVersions(t *testing.T) {
	if got := properties(t, "Bucket", "VersioningConfiguration", "Status"); got != "Enabled" {
		t.Errorf("versioning is %v; assets name versions", got)
	}
	rules := properties(t, "Bucket", "LifecycleConfiguration", "Rules").([]any)
	want := []any{
		map[string]any{"Id": "abandoned-parts", "Status": "Enabled", "AbortIncompleteMultipartUpload": map[string]any{"DaysAfterInitiation": 30}},
		map[string]any{
			"Id": "abandoned-work", "Status": "Enabled", "Prefix": "checkpoints/", "ExpirationInDays": 7,
			"NoncurrentVersionExpiration": map[string]any{"NoncurrentDays": 1},
		},
	}
	if d := cmp.Diff(want, rules); d != "" {
		t.Errorf("lifecycle (-want +got): abandoned parts and work may go and nothing else, an asset may name any version\n%s", d)
	}
	filter := properties(t, "Bucket", "NotificationConfiguration", "LambdaConfigurations", 0)
	names := map[any]any{}
	for _, r := range at(t, filter, "Filter", "S3Key", "Rules").([]any) {
		names[at(t, r, "Name")] = at(t, r, "Value")
	}
	if d := cmp.Diff(map[any]any{"prefix": "w/", "suffix": "/source"}, names); d != "" || at(t, filter, "Event") != "s3:ObjectCreated:*" {
		t.Errorf("the bucket notifies of %v %v, want s3:ObjectCreated:* of w/.../source", at(t, filter, "Event"), names)
	}
}

func TestStreamHasTwoConsumersThatReportFailures(t *testing.T) {
	var consumers []string
	for _, f := range readTemplate(t).Functions {
		for _, e := range template.EventsOf[template.DynamoDB](f) {
			consumers = append(consumers, f.Name)
			if !e.PartialFailures {
				t.Errorf("%s does not report which record failed", f.Name)
			}
			if !e.Bisect {
				t.Errorf("%s does not split a batch that crashes it", f.Name)
			}
			if e.OnFailure == "" {
				t.Errorf("%s drops what it gives up", f.Name)
			}
			if e.MaxRetries < 1 {
				t.Errorf("%s repeats %d times; without an end one record holds up its shard for a day", f.Name, e.MaxRetries)
			}
		}
	}
	if d := cmp.Diff([]string{"StreamPublishFunction", "StreamCleanupFunction"}, consumers); d != "" {
		t.Errorf("consumers of the stream: DynamoDB serves two readers a shard (-want +got)\n%s", d)
	}
}

func TestFunctionsAreBuiltByTheMakefile(t *testing.T) {
	for _, f := range readTemplate(t).Functions {
		if f.CodeURI != "." || f.Handler != "bootstrap" || f.BuildMethod != "makefile" {
			t.Errorf("%s: CodeUri %q, Handler %q, BuildMethod %q; want ., bootstrap, makefile", f.Name, f.CodeURI, f.Handler, f.BuildMethod)
		}
	}
	makefile := regexp.MustCompile(`(?m)^ARCH \?= (\w+)$`).FindSubmatch(read(t, "Makefile"))
	if makefile == nil {
		t.Fatal("the Makefile sets no ARCH")
	}
	same := map[string]string{"arm64": "arm64", "amd64": "x86_64"}
	if arch := at(t, raw(t), "Parameters", "Architecture", "Default"); arch != same[string(makefile[1])] {
		t.Errorf("the Makefile builds for %s, the template declares %v", makefile[1], arch)
	}
}

func TestGatewayAnswersBrowsers(t *testing.T) {
	cors := readTemplate(t).CORS
	if cors == nil {
		t.Fatal("the HTTP API has no CorsConfiguration")
	}
	// What the published client sends with its requests (contract), and what may be added by hand.
	sent := []string{
		"accept", "authorization", "content-type", "idempotency-key", "if-match", "user-agent", "x-stainless-lang", "x-stainless-package-version", "x-stainless-os",
		"x-stainless-arch", "x-stainless-runtime", "x-stainless-runtime-version", "x-stainless-retry-count", "x-stainless-timeout",
	}
	slices.Sort(sent)
	if d := cmp.Diff(sent, slices.Sorted(slices.Values(cors.AllowHeaders))); d != "" {
		t.Errorf("AllowHeaders (-want +got):\n%s", d)
	}
	for _, h := range []string{"etag", "request-id", "retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "x-should-retry"} {
		if !slices.Contains(cors.ExposeHeaders, h) {
			t.Errorf("a page cannot read the header %s", h)
		}
	}
	methods := map[string]bool{"OPTIONS": true}
	for _, f := range readTemplate(t).Functions {
		for _, e := range template.EventsOf[template.HttpApi](f) {
			if e.Method != "" {
				methods[e.Method] = true
			}
		}
	}
	if d := cmp.Diff(slices.Sorted(maps.Keys(methods)), slices.Sorted(slices.Values(cors.AllowMethods))); d != "" {
		t.Errorf("AllowMethods (-methods of the routes +template):\n%s", d)
	}
}

// A function that is killed while it waits has no answer for its client, though the bucket goes on joining.
func TestCompleteOutlivesTheJoiningOfParts(t *testing.T) {
	const gateway = 30 // seconds that an HTTP API waits for a function
	seconds, _ := properties(t, "AssetsCompleteFunction", "Timeout").(int)
	if limit := time.Duration(seconds) * time.Second; limit < upload.DefaultCompleteWithin+5*time.Second || seconds >= gateway {
		t.Errorf("assets-complete ends after %s; want 5 s more than the %s that it waits for the bucket, and less than %d s", limit,
			upload.DefaultCompleteWithin, gateway)
	}
}
