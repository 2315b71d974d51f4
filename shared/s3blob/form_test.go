package s3blob_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/local/versity/versitytest"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/s3blob"
)

func formSpec() blob.FormSpec {
	return blob.FormSpec{
		Key: key, Type: "image/png", Meta: map[string]string{"asset": "a-1", "name": "Zürich 50%.png"},
		MinSize: 4, MaxSize: 1000, Expires: soon(),
	}
}

func signForm(t *testing.T, b *s3blob.Bucket, s blob.FormSpec) blob.Form {
	t.Helper()
	f, _, err := b.SignForm(context.Background(), s)
	if err != nil {
		t.Fatalf("SignForm(%+v) = %v", s, err)
	}
	return f
}

func TestAFormStoresWhatItBinds(t *testing.T) {
	b, s := open(t)
	spec := formSpec()
	if got := sendForm(t, s, signForm(t, b, spec), "pixels"); got != 204 {
		t.Fatalf("form answered %d, want 204", got)
	}
	body, o, err := b.Read(context.Background(), key, "", 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	if string(body) != "pixels" || o.Type != spec.Type || !maps.Equal(o.Meta, spec.Meta) || o.Size != 6 {
		t.Errorf("stored %q as %+v, want what the form bound: %+v", body, o, spec)
	}
}

func TestAnAbusedFormStoresNothing(t *testing.T) {
	b, s := open(t)
	past := s3blob.New(s.Client(), s.Bucket, s3blob.Options{Now: func() time.Time { return time.Now().Add(-20 * time.Minute) }})
	expired := func(t *testing.T) blob.Form {
		spec := formSpec()
		spec.Expires = time.Now().Add(-5 * time.Minute)
		return signForm(t, past, spec)
	}
	for _, c := range []struct {
		name  string
		file  string
		abuse func(fields map[string]string)
		form  func(t *testing.T) blob.Form // nil: a good one
	}{
		{name: "another key", abuse: func(f map[string]string) { f["key"] = "w/other" }},
		{name: "a key below the key", abuse: func(f map[string]string) { f["key"] = key + "/more" }},
		{name: "a bigger body", file: strings.Repeat("x", 1001)},
		{name: "a much bigger body", file: strings.Repeat("x", 5<<20)},
		{name: "a body smaller than the range", file: "abc"},
		{name: "an empty body", file: ""},
		{name: "another type", abuse: func(f map[string]string) { f["Content-Type"] = "text/html" }},
		{name: "no type", abuse: func(f map[string]string) { delete(f, "Content-Type") }},
		{name: "other metadata", abuse: func(f map[string]string) { f["x-amz-meta-asset"] = "a-2" }},
		{name: "no metadata", abuse: func(f map[string]string) { delete(f, "x-amz-meta-asset") }},
		{name: "more metadata", abuse: func(f map[string]string) { f["x-amz-meta-more"] = "1" }},
		{name: "an extra field", abuse: func(f map[string]string) { f["Cache-Control"] = "no-store" }},
		{name: "another status on success", abuse: func(f map[string]string) { f["success_action_status"] = "200" }},
		{name: "a redirect on success", abuse: func(f map[string]string) { f["success_action_redirect"] = "https://example.com/" }},
		{name: "public access", abuse: func(f map[string]string) { f["acl"] = "public-read" }},
		{name: "a tampered signature", abuse: func(f map[string]string) { f["x-amz-signature"] = strings.Repeat("0", 64) }},
		{name: "a tampered policy", abuse: func(f map[string]string) { f["policy"] = loosen(f["policy"]) }},
		{name: "another date", abuse: func(f map[string]string) { f["x-amz-date"] = "20200101T000000Z" }},
		{name: "no signature", abuse: func(f map[string]string) { delete(f, "x-amz-signature") }},
		{name: "no policy at all", abuse: func(f map[string]string) {
			for _, k := range []string{"policy", "x-amz-signature", "x-amz-algorithm", "x-amz-credential", "x-amz-date"} {
				delete(f, k)
			}
		}},
		{name: "an expired form", form: expired},
	} {
		t.Run(c.name, func(t *testing.T) {
			form := c.form
			if form == nil {
				form = func(t *testing.T) blob.Form { return signForm(t, b, formSpec()) }
			}
			f := form(t)
			if c.abuse != nil {
				c.abuse(f.Fields)
			}
			file := c.file
			if file == "" && c.name != "an empty body" {
				file = "pixels"
			}
			if got := sendForm(t, s, f, file); got != 400 && got != 403 && got != 0 {
				t.Errorf("form answered %d, want 400, 403 or a broken connection", got)
			}
			wantEmpty(t, b)
		})
	}
}

// loosen takes the limit of the length out of a policy.
func loosen(policy string) string {
	doc, _ := base64.StdEncoding.DecodeString(policy)
	return base64.StdEncoding.EncodeToString([]byte(strings.ReplaceAll(string(doc), ",1000]", ",9999999]")))
}

func wantEmpty(t *testing.T, b blob.Bucket) {
	t.Helper()
	vs, err := b.Versions(context.Background(), "", 0)
	if err != nil || len(vs) != 0 {
		t.Errorf("the bucket has %v, %v; want nothing", vs, err)
	}
}

func TestAReplayedFormLandsAsAnotherVersion(t *testing.T) {
	b, s := open(t)
	f := signForm(t, b, formSpec())
	if got := sendForm(t, s, f, "pixels"); got != 204 {
		t.Fatalf("form answered %d, want 204", got)
	}
	ctx := context.Background()
	settled, err := b.Head(ctx, key, "")
	if err != nil {
		t.Fatal(err)
	}
	url, err := b.SignGet(ctx, blob.GetSpec{Key: key, Version: settled.Version, Expires: soon()})
	if err != nil {
		t.Fatal(err)
	}
	if got := sendForm(t, s, f, "<script>"); got != 204 {
		t.Fatalf("replayed form answered %d, want 204: a form cannot be made to work once", got)
	}
	if status, _, body := send(t, s, "GET", url, nil, ""); status != 200 || body != "pixels" {
		t.Errorf("the signed link gives %d %q after the replay, want the settled version", status, body)
	}
	vs, err := b.Versions(ctx, key, 0)
	if err != nil || len(vs) != 2 || vs[1].Version != settled.Version || !vs[0].Latest {
		t.Fatalf("Versions = %+v, %v; want the replay as the latest and the settled one", vs, err)
	}
	if err := b.DeleteVersion(ctx, key, vs[0].Version); err != nil {
		t.Fatal(err)
	}
	if body, o, err := b.Read(ctx, key, "", 0, 100); err != nil || string(body) != "pixels" || o.Version != settled.Version {
		t.Errorf("after the replay was removed the key reads %q, %+v, %v; want the settled version", body, o, err)
	}
}

func TestTheFormOnAmazonNamesTheBucketInItsHost(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	b := onAmazon(at, "token/+=")
	form, end, err := b.SignForm(context.Background(), blob.FormSpec{
		Key: key, Type: "image/png", Meta: map[string]string{"asset": "a-1"}, MinSize: 1, MaxSize: 99, Expires: at.Add(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	if want := "https://assets.s3.eu-west-1.amazonaws.com/"; form.URL != want {
		t.Errorf("URL = %s, want %s", form.URL, want)
	}
	if !end.Equal(at.Add(time.Minute)) {
		t.Errorf("end = %s, want one minute after %s", end, at)
	}
	doc, err := base64.StdEncoding.DecodeString(form.Fields["policy"])
	if err != nil {
		t.Fatal(err)
	}
	var got any
	if err := json.Unmarshal(doc, &got); err != nil {
		t.Fatalf("policy %s: %v", doc, err)
	}
	eq := func(name, value string) any { return []any{"eq", "$" + name, value} }
	want := map[string]any{
		"expiration": "2026-03-04T05:07:07.000Z",
		"conditions": []any{
			map[string]any{"bucket": "assets"},
			eq("key", key), eq("Content-Type", "image/png"), eq("x-amz-meta-asset", "a-1"),
			eq("x-amz-algorithm", "AWS4-HMAC-SHA256"),
			eq("x-amz-credential", versitytest.AccessKey+"/20260304/eu-west-1/s3/aws4_request"),
			eq("x-amz-date", "20260304T050607Z"), eq("x-amz-security-token", "token/+="),
			[]any{"content-length-range", 1.0, 99.0},
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("policy (-want +got):\n%s", d)
	}
	delete(form.Fields, "policy")
	delete(form.Fields, "x-amz-signature")
	for _, c := range want["conditions"].([]any)[1:8] {
		name := strings.TrimPrefix(c.([]any)[1].(string), "$")
		if form.Fields[name] != c.([]any)[2] {
			t.Errorf("field %s = %q, want %q as in the policy", name, form.Fields[name], c.([]any)[2])
		}
		delete(form.Fields, name)
	}
	if len(form.Fields) != 0 {
		t.Errorf("fields without a condition: %v", form.Fields)
	}
}
