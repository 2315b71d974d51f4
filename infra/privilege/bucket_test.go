package privilege_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// ownAccount is the stack's in these tests.
const ownAccount = "111122223333"

// facts are what IAM knows of a request, by condition key, as AWS documents them. Of an unsigned request the account is "anonymous", and what
// is about its signature is absent.
type facts map[string]string

// by is a request over TLS with Signature Version 4.
func by(who, way string) facts {
	return facts{
		"aws:SecureTransport": "true", "aws:PrincipalAccount": who, "aws:PrincipalIsAWSService": "false",
		"s3:authType": way, "s3:signatureversion": "AWS4-HMAC-SHA256",
	}
}

// with is a request that differs in one fact; "" is its absence.
func (f facts) with(key, value string) facts {
	g := maps.Clone(f)
	g[key] = value
	if value == "" {
		delete(g, key)
	}
	return g
}

func TestBucketsRefuseWhoeverIsNotTheStacksOwn(t *testing.T) {
	unsigned := facts{"aws:SecureTransport": "true", "aws:PrincipalAccount": "anonymous"}
	for _, tt := range []struct {
		name    string
		request facts
		refused string // Sid of a statement that does; "" is none
	}{
		{"a function's own request", by(ownAccount, "REST-HEADER"), ""},
		{"an address that a function signed", by(ownAccount, "REST-QUERY-STRING"), ""},
		{"a form that a function signed", by(ownAccount, "POST"), ""},
		{"a form, if S3 tells nothing of its signature's version", by(ownAccount, "POST").with("s3:signatureversion", ""), ""},
		{"a service of AWS in its own name", by("", "REST-HEADER").with("aws:PrincipalAccount", "").with("aws:PrincipalIsAWSService", "true"), ""},
		{"a function's request over plain HTTP", by(ownAccount, "REST-HEADER").with("aws:SecureTransport", "false"), "TlsOnly"},
		{"a signed address over plain HTTP", by(ownAccount, "REST-QUERY-STRING").with("aws:SecureTransport", "false"), "TlsOnly"},
		{"a service over plain HTTP", by("", "REST-HEADER").with("aws:PrincipalIsAWSService", "true").with("aws:SecureTransport", "false"), "TlsOnly"},
		{"an unsigned request", unsigned, "ThisAccountOnly"},
		{"an unsigned request, if IAM told no account", unsigned.with("aws:PrincipalAccount", ""), "ThisAccountOnly"},
		{"an unsigned form", unsigned.with("s3:authType", "POST"), "ThisAccountOnly"},
		{"another account", by("444455556666", "REST-HEADER"), "ThisAccountOnly"},
		{"an address that another account signed", by("444455556666", "REST-QUERY-STRING"), "ThisAccountOnly"},
		{"a form that another account signed", by("444455556666", "POST"), "ThisAccountOnly"},
		{"an address signed by the old version", by(ownAccount, "REST-QUERY-STRING").with("s3:signatureversion", "AWS"), "SignatureVersion4Only"},
	} {
		for _, bucket := range []string{"Bucket", "FailedEvents"} {
			t.Run(tt.name+" to "+bucket, func(t *testing.T) {
				got := denials(t, bucket, tt.request)
				if tt.refused == "" && len(got) > 0 || tt.refused != "" && !slices.Contains(got, tt.refused) {
					t.Errorf("refused by %q, want %q", got, tt.refused)
				}
			})
		}
	}
}

// denials are the statements of a bucket's policy that deny a request for one of its objects. A statement that allows anything fails: the
// roles do that.
func denials(t *testing.T, bucket string, request facts) (sids []string) {
	t.Helper()
	policy := stackOf(t).Resources[bucket+"Policy"].Properties["PolicyDocument"].(map[string]any)
	for _, v := range policy["Statement"].([]any) {
		s := v.(map[string]any)
		if s["Effect"] != "Deny" || s["Principal"] != "*" || s["Action"] != "s3:*" {
			t.Errorf("the policy of %s has %v; it only refuses, everybody and everything", bucket, s)
		}
		if !strings.Contains(fmt.Sprint(s["Resource"]), "${"+bucket+".Arn}/*") {
			t.Errorf("%v of %s is not about its objects: %v", s["Sid"], bucket, s["Resource"])
		}
		if holds(t, s["Condition"].(map[string]any), request) {
			sids = append(sids, s["Sid"].(string))
		}
	}
	return sids
}

// holds says whether a condition is met: all of its operators, each for all of its keys.
func holds(t *testing.T, condition map[string]any, request facts) bool {
	t.Helper()
	for operator, v := range condition {
		for key, want := range v.(map[string]any) {
			if ref, ok := want.(map[string]any); ok && ref["Ref"] == "AWS::AccountId" {
				want = ownAccount
			}
			got, known := request[key]
			var met bool
			switch operator {
			case "Bool", "StringEquals":
				met = known && got == want
			case "StringNotEquals":
				met = !known || got != want
			case "BoolIfExists":
				met = !known || got == want
			default:
				t.Fatalf("the operator %s is not known to this test", operator)
			}
			if !met {
				return false
			}
		}
	}
	return true
}
