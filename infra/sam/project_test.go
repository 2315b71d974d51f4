package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

func TestTheTemplateForThisMachineDeclaresEndpointsAndForms(t *testing.T) {
	const built = `Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Environment:
      Variables:
        ASSETRY_TABLE:
          Ref: Table
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      CorsConfiguration:
        MaxAge: 7200
`
	local, err := localize([]byte(built))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Globals struct {
			Function struct {
				Environment struct {
					Variables map[string]any `yaml:"Variables"`
				} `yaml:"Environment"`
			} `yaml:"Function"`
		} `yaml:"Globals"`
		Resources map[string]struct {
			Properties map[string]any `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(local, &got); err != nil {
		t.Fatal(err)
	}
	variables := got.Globals.Function.Environment.Variables
	for _, name := range []string{envDynamoDB, envS3, envEvents, envSecrets} {
		if value, ok := variables[name]; !ok || value != "" {
			t.Errorf("variable %s is %v (declared: %t), want it declared and empty", name, value, ok)
		}
	}
	if variables["ASSETRY_TABLE"] == nil || got.Resources["Api"].Properties["CorsConfiguration"] == nil {
		t.Errorf("what was there is gone:\n%s", local)
	}
	body, _ := got.Resources["Api"].Properties["DefinitionBody"].(map[string]any)
	if types, _ := body["x-amazon-apigateway-binary-media-types"].([]any); !slices.Contains(types, any("multipart/form-data")) {
		t.Errorf("binary types are %v, want forms among them", types)
	}
}

func TestATemplateWithoutVariablesOrAPIIsRefused(t *testing.T) {
	for _, built := range []string{"", "a: [", "Globals: {Function: {Environment: {Variables: {}}}}", "Resources: {Api: {Properties: {}}}", "[]"} {
		if local, err := localize([]byte(built)); err == nil {
			t.Errorf("localize(%q) = %s, want an error", built, local)
		}
	}
}

func TestSAMGetsNobodysSettings(t *testing.T) {
	for _, name := range []string{"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "SAM_CLI_BETA_FEATURES", "DOCKER_HOST"} {
		t.Setenv(name, "theirs")
	}
	env := (&project{host: "unix:///ours", accessKey: "key", secretKey: "secret"}).environment()
	for _, v := range env {
		if strings.HasSuffix(v, "=theirs") {
			t.Errorf("SAM is given %s", v)
		}
	}
	for _, want := range []string{"DOCKER_HOST=unix:///ours", "AWS_ACCESS_KEY_ID=key", "AWS_SECRET_ACCESS_KEY=secret", "SAM_CLI_TELEMETRY=0"} {
		if !slices.Contains(env, want) {
			t.Errorf("SAM is not given %s", want)
		}
	}
}

func TestInvocationsByTheLambdaAPI(t *testing.T) {
	for name, tt := range map[string]struct {
		status         int
		answer, failed string
	}{
		"an answer":               {200, `{"statusCode": 200}`, ""},
		"an answer that is null":  {200, `null`, ""},
		"a function that failed":  {200, `{"errorType": "errorString", "errorMessage": "no table"}`, "no table"},
		"a function that is gone": {404, `{"Message": "Function not found"}`, "404"},
	} {
		t.Run(name, func(t *testing.T) {
			var asked string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = r.Method + " " + r.URL.Path
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.answer))
			}))
			defer server.Close()
			got, err := invokeAt(t.Context(), server.URL, "SweepFunction", []byte(`{}`))
			if want := "POST /2015-03-31/functions/SweepFunction/invocations"; asked != want {
				t.Errorf("it asked for %s, want %s", asked, want)
			}
			if tt.failed == "" && (err != nil || string(got) != tt.answer) || tt.failed != "" && (err == nil || !strings.Contains(err.Error(), tt.failed)) {
				t.Errorf("invokeAt = %s, %v; want %s, or an error with %q", got, err, tt.answer, tt.failed)
			}
		})
	}
}

func TestWrongFlagsAreRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		says string
	}{
		"a port that is none":    {[]string{"-port", "70000"}, "-port 70000"},
		"another that is none":   {[]string{"-lambda-port", "0"}, "-lambda-port 0"},
		"a word that is no flag": {[]string{"start"}, "start"},
		"an unknown flag":        {[]string{"-addr", "x"}, "-addr"},
	} {
		t.Run(name, func(t *testing.T) {
			var said bytes.Buffer
			if _, err := parse(tt.args, &said); err == nil || !strings.Contains(said.String(), tt.says) {
				t.Errorf("parse(%v) = %v and said %q, want a refusal that names %q", tt.args, err, &said, tt.says)
			}
		})
	}
}

func TestFlagsHaveDefaults(t *testing.T) {
	o, err := parse(nil, new(bytes.Buffer))
	if err != nil || o.port != 3000 || o.lambdaPort != 3001 || o.data != ".assetry/sam" {
		t.Errorf("parse() = %+v, %v; want ports 3000 and 3001, and .assetry/sam", o, err)
	}
}
