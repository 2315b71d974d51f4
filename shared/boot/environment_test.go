package boot

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// childNeeds makes this test binary a small function, with the needs that it names; see TestMain.
const childNeeds = "BOOT_TEST_NEEDS"

var needsByName = map[string]Need{"Table": Table, "Bucket": Bucket, "Bus": Bus, "RootKey": RootKey}

func TestMain(m *testing.M) {
	names, child := os.LookupEnv(childNeeds)
	if !child {
		os.Exit(m.Run())
	}
	var needs []Need
	for _, name := range strings.Fields(names) {
		needs = append(needs, needsByName[name])
	}
	AWS(needs...)
	os.Exit(0) // where a function would ask Lambda for its first invocation
}

// good is an environment in which every function starts.
var good = map[string]string{
	"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "ASIATEST", "AWS_SECRET_ACCESS_KEY": "secret-of-the-environment", "AWS_SESSION_TOKEN": "token",
	EnvStack: "assetry", EnvTable: "assetry-Table-1ABC", EnvSearch: "assetry-SearchTable-1ABC", EnvBucket: "assetry-123456789012-eu-central-1", EnvBus: "assetry",
	EnvRootKey: "arn:aws:secretsmanager:eu-central-1:123456789012:secret:RootKey-1AbC-x9", EnvPublicURL: "", EnvGrant: "15", EnvMaxSize: "5368709120",
	EnvPartGrant: "60", EnvMaxImport: "52428800", EnvParallel: "4", EnvRateStandard: "1000", EnvRatePremium: "5000",
}

// start runs a small function in an environment: the good one with some variables changed, and without those that are "".
func start(t *testing.T, needs string, changed map[string]string) (output string, code int) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(exe)
	c.Env = []string{childNeeds + "=" + needs, "AWS_LAMBDA_FUNCTION_NAME=the-function"}
	for name, value := range good {
		if v, ok := changed[name]; ok {
			value = v
		}
		if value != "" {
			c.Env = append(c.Env, name+"="+value)
		}
	}
	for name, value := range changed {
		if _, known := good[name]; !known {
			c.Env = append(c.Env, name+"="+value)
		}
	}
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), c.ProcessState.ExitCode()
}

const allNeeds = "Table Bucket Bus RootKey"

func TestAFunctionStartsWhereItsEnvironmentIsRight(t *testing.T) {
	nothing := map[string]string{}
	for name := range good {
		nothing[name] = ""
	}
	with := func(changed map[string]string, name, value string) map[string]string {
		m := map[string]string{name: value}
		for k, v := range changed {
			if k != name {
				m[k] = v
			}
		}
		return m
	}
	for _, tt := range []struct {
		name, needs string
		changed     map[string]string
	}{
		{"everything, of everything", allNeeds, nil},
		{"nothing, of nothing", "", nothing},
		{"the bus alone", "Bus", map[string]string{EnvTable: "", EnvBucket: "", EnvRootKey: ""}},
		{"what may be unset is unset", allNeeds, map[string]string{EnvStack: "", EnvSearch: "", EnvGrant: "", EnvMaxSize: "", EnvPartGrant: "", EnvMaxImport: "", EnvParallel: "", EnvRateStandard: "", EnvRatePremium: ""}},
		{"a bus by its ARN", "Bus", map[string]string{EnvBus: "arn:aws:events:eu-central-1:123456789012:event-bus/assetry"}},
		{"a root key by its name, in China", "RootKey", with(map[string]string{"AWS_REGION": "cn-north-1"}, EnvRootKey, "prod/assetry/root")},
		{"an origin with a slash at its end", "Table", map[string]string{EnvPublicURL: "https://assets.example.com/"}},
		{"other endpoints", allNeeds, map[string]string{"AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:8000", "AWS_ENDPOINT_URL_S3": "http://[::1]:9000/"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if out, code := start(t, tt.needs, tt.changed); code != 0 || out != "" {
				t.Errorf("exit code %d, output %s", code, out)
			}
		})
	}
}

func TestAFunctionWhoseEnvironmentIsWrongSaysSoInOneLine(t *testing.T) {
	for _, tt := range []struct {
		name, needs string
		changed     map[string]string
		says        []string
		never       string
	}{
		{"no table", "Table", map[string]string{EnvTable: ""}, []string{EnvTable + " is not set, and must be the name of a table"}, ""},
		{"no bucket", "Table Bucket", map[string]string{EnvBucket: ""}, []string{EnvBucket}, ""},
		{"no bus", "Bus", map[string]string{EnvBus: ""}, []string{EnvBus}, ""},
		{"no root key", "RootKey", map[string]string{EnvRootKey: ""}, []string{EnvRootKey}, ""},
		{"no region", "Bus", map[string]string{"AWS_REGION": ""}, []string{"AWS_REGION"}, ""},
		{"no credentials", "Bus", map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}, ""},
		{"everything that can be missing", allNeeds, map[string]string{EnvTable: "", EnvBucket: "", EnvBus: "", EnvRootKey: ""}, []string{EnvTable, EnvBucket, EnvBus, EnvRootKey}, ""},
		{"a table's name that is none", "Table", map[string]string{EnvTable: "a table"}, []string{EnvTable + ` is \"a table\"`}, ""},
		{"an index's name that is none", "Bus", map[string]string{EnvSearch: "ab"}, []string{EnvSearch}, ""},
		{"a bucket's name that is none", "Bucket", map[string]string{EnvBucket: "Assets"}, []string{EnvBucket}, ""},
		{"a bucket's name with two dots", "Bucket", map[string]string{EnvBucket: "as..sets"}, []string{EnvBucket}, ""},
		{"the ARN of a queue for a bus", "Bus", map[string]string{EnvBus: "arn:aws:sqs:eu-central-1:123456789012:queue"}, []string{EnvBus}, ""},
		{"an ARN with a short account", "RootKey", map[string]string{EnvRootKey: "arn:aws:secretsmanager:eu-central-1:1234:secret:x"}, []string{EnvRootKey}, "1234"},
		{"the secret where its ARN belongs", "RootKey", map[string]string{EnvRootKey: "hunter2 is the key"}, []string{EnvRootKey, "and not the secret"}, "hunter2"},
		{"an origin without a scheme", "Table", map[string]string{EnvPublicURL: "assets.example.com"}, []string{EnvPublicURL}, ""},
		{"an origin with a query", "Table", map[string]string{EnvPublicURL: "https://assets.example.com/?a=b"}, []string{EnvPublicURL}, ""},
		{"an origin with a password", "Table", map[string]string{EnvPublicURL: "https://me:hunter2@assets.example.com"}, []string{EnvPublicURL}, "hunter2"},
		{"an endpoint that is no address", "Table", map[string]string{"AWS_ENDPOINT_URL_DYNAMODB": "://x"}, []string{"AWS_ENDPOINT_URL_DYNAMODB"}, ""},
		{"a number out of range", "Table", map[string]string{EnvGrant: "361"}, []string{EnvGrant + ` is \"361\", and must be a whole number from 1 to 360`}, ""},
		{"numbers that are none, in a function that reads none", "Bus", map[string]string{EnvParallel: "many", EnvMaxSize: "0x10"}, []string{EnvParallel, EnvMaxSize}, ""},
		{"a stack's name that is none", "Bus", map[string]string{EnvStack: "a stack"}, []string{EnvStack}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, code := start(t, tt.needs, tt.changed)
			if code != 1 || strings.Count(out, "\n") != 1 || strings.Contains(out, "goroutine") {
				t.Fatalf("exit code %d with the output %s; want 1 with one line", code, out)
			}
			for _, s := range tt.says {
				if !strings.Contains(out, s) {
					t.Errorf("it says %s and not %s", out, s)
				}
			}
			if tt.never != "" && strings.Contains(out, tt.never) || strings.Contains(out, good["AWS_SECRET_ACCESS_KEY"]) {
				t.Errorf("it repeats a secret: %s", out)
			}
			var line struct{ Timestamp, Level, Message, Function string }
			if err := json.Unmarshal([]byte(out), &line); err != nil || line.Level != "ERROR" || line.Timestamp == "" || line.Function != "the-function" {
				t.Errorf("the line %s is %+v, %v", out, line, err)
			}
		})
	}
}

// What is wrong with each variable is found in every combination with the others.
func TestEveryWrongVariableIsNamed(t *testing.T) {
	bad := map[string]string{EnvTable: "?", EnvSearch: "?", EnvBucket: "?", EnvBus: "?", EnvPublicURL: "?", EnvStack: "?", EnvGrant: "?", EnvMaxSize: "?", EnvPartGrant: "?",
		EnvMaxImport: "?", EnvParallel: "?", EnvRateStandard: "?", EnvRatePremium: "0", EnvIntrospection: "?", EnvRootKey: "?", "AWS_REGION": "?", "AWS_ENDPOINT_URL_S3": "?", "AWS_ENDPOINT_URL_DYNAMODB": "?",
		"AWS_ENDPOINT_URL_EVENTBRIDGE": "?", "AWS_ENDPOINT_URL_SECRETS_MANAGER": "?"}
	for name, value := range good {
		t.Setenv(name, value)
	}
	if err := checkEnvironment(Table, Bucket, Bus, RootKey); err != nil {
		t.Fatalf("the good environment: %v", err)
	}
	for name, value := range bad {
		t.Setenv(name, value)
	}
	err := checkEnvironment(Table)
	for name := range bad {
		if err == nil || !strings.Contains(err.Error(), "variable "+name+" ") {
			t.Errorf("%s is not named in %v", name, err)
		}
	}
}
