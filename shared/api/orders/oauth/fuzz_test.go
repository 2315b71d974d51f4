package oauth

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/assetry/assetry/shared/fault"
)

// FuzzRead holds what read says of any request: it is refused with a kind that RFC 6749 has a code for, or else it names a client and a secret, and its
// parameters are those that a plain reader of the same encoding finds.
func FuzzRead(f *testing.F) {
	const form, asJSON = "application/x-www-form-urlencoded", "application/json"
	header := "Basic Y2xfMTpjc18y" // cl_1:cs_2
	for _, seed := range []struct{ auth, kind, body string }{
		{header, form, "grant_type=client_credentials"},
		{header, asJSON, `{"client_id":"cl_1","client_secret":"cs_2","grant_type":"client_credentials"}`},
		{"", form, "client_id=cl_1&client_secret=cs%5F2&grant_type=client_credentials&scope=read+write"},
		{header, form, "client_id=cl_1&client_id=cl_1"},
		{header, asJSON, `{"grant_type":"a","grant\u005ftype":"b"}`},
		{header, asJSON, `{"x":{"a":1,"a":[null,true,-1e9]},"scope":null}`},
		{header, asJSON, `{"scope":"\ud800","token":"\u0000"}`},
		{"Basic JXp6Og==", form, ""}, // %zz:
		{"Basic Og==", form + "; charset=utf-8", "a=%"},
		{"bearer x", "text/plain", "token=at_live_x"},
		{"Basic  Y2xfMTpjc18y ", "multipart/form-data; boundary=x", "--x--"},
	} {
		f.Add(seed.auth, seed.kind, seed.body)
	}
	f.Fuzz(func(t *testing.T, auth, kind, body string) {
		r := httptest.NewRequest("POST", "/v1/authentication/token", strings.NewReader(body))
		r.Header["Content-Type"] = []string{kind}
		if auth != "" {
			r.Header["Authorization"] = []string{auth}
		}
		q, err := read(r)
		if err != nil {
			switch fault.KindOf(err) {
			case fault.Malformed, fault.NoCredentials, fault.BadCredentials:
			default:
				t.Errorf("read = %v", err)
			}
			if len(err.Error()) > 600 {
				t.Errorf("the message has %d bytes", len(err.Error()))
			}
			return
		}
		if q.client == "" || q.secret == "" {
			t.Errorf("read = %+v, without an error", q)
		}
		for name, value := range q.params {
			if want := plainly(kind, body, name); want != value || value == "" {
				t.Errorf("%s = %q, a plain reader has %q", name, value, want)
			}
		}
	})
}

// plainly is a parameter as the standard library finds it.
func plainly(kind, body, name string) string {
	if strings.Contains(strings.ToLower(kind), "json") {
		var all map[string]any
		_ = json.Unmarshal([]byte(body), &all)
		value, _ := all[name].(string)
		return value
	}
	values, _ := url.ParseQuery(body)
	return values.Get(name)
}
