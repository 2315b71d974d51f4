package recorder

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// maxJSON bounds what is read of a request of AWS's JSON protocols, in bytes: DynamoDB takes 16 MB.
const maxJSON = 17 << 20

// calls are the rights that a request of a function uses, and whether the function sends it itself. Before a browser sends to an address that
// was signed it asks by OPTIONS whether it may; S3 answers that from the bucket's rules for other origins, and nobody's rights matter.
func (r *Recorder) calls(req *http.Request) (calls []Call, direct bool) {
	if req.Method == http.MethodOptions {
		return nil, false
	}
	s := signer(req)
	function, known := r.keys[s.key]
	if !known {
		return nil, false
	}
	var err error
	switch s.service {
	case "s3":
		calls, err = r.object(req, s.form)
	case "dynamodb", "events", "secretsmanager":
		calls, err = r.target(req, s.service)
	default:
		err = fmt.Errorf("it is signed for the service %q", s.service)
	}
	if err != nil {
		calls = []Call{{Unmapped: fmt.Sprintf("%s %s: %v", req.Method, what(req), err)}}
	}
	for i := range calls {
		calls[i].Function = function
	}
	return calls, s.direct
}

// what tells requests apart without their ids and secrets: the operation's name, or the names in the query.
func what(req *http.Request) string {
	if target := req.Header.Get("X-Amz-Target"); target != "" {
		return target
	}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(req.URL.Query())), func(n string) bool { return strings.HasPrefix(n, "X-Amz-") })
	return "?" + strings.Join(names, "&")
}

// named gives a resource by what requests of a service call it: its name, or its ARN.
func (r *Recorder) named(service, name string) (string, error) {
	if id, ok := r.stack.Names[service+"/"+name]; ok {
		return id, nil
	}
	if _, tail, ok := strings.Cut(name, "/"); ok && strings.HasPrefix(name, "arn:") {
		if id, ok := r.stack.Names[service+"/"+tail]; ok {
			return id, nil
		}
	}
	return "", fmt.Errorf("%s %q is none of the stack's", service, name)
}

// target maps a request of AWS's JSON protocols, whose operation is in X-Amz-Target.
func (r *Recorder) target(req *http.Request, service string) ([]Call, error) {
	body, err := io.ReadAll(io.LimitReader(req.Body, maxJSON))
	req.Body = joined{io.MultiReader(bytes.NewReader(body), req.Body), req.Body}
	if err != nil {
		return nil, err
	}
	version, operation, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
	switch {
	case version == "DynamoDB_20120810":
		return r.items(operation, body)
	case version == "AWSEvents" && operation == "PutEvents":
		var in struct {
			Entries []struct{ EventBusName string }
		}
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, err
		}
		var out []Call
		for _, e := range in.Entries {
			bus, err := r.named(service, e.EventBusName)
			if err != nil {
				return nil, err
			}
			out = append(out, Call{Action: "events:PutEvents", Resource: bus})
		}
		return out, nil
	case version == "secretsmanager" && operation == "GetSecretValue":
		var in struct {
			SecretID string `json:"SecretId"`
		}
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, err
		}
		secret, err := r.named(service, in.SecretID)
		return []Call{{Action: "secretsmanager:GetSecretValue", Resource: secret}}, err
	}
	return nil, fmt.Errorf("the operation is not known; add it to infra/recorder")
}

// onTable is a part of a request that names a table.
type onTable struct{ TableName, IndexName string }

// items maps an operation of DynamoDB.
func (r *Recorder) items(operation string, body []byte) ([]Call, error) {
	var in struct {
		onTable
		RequestItems  map[string]any
		TransactItems []map[string]onTable
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	switch operation {
	case "GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan":
		return r.item(nil, operation, in.onTable)
	case "BatchGetItem", "BatchWriteItem":
		var out []Call
		var err error
		for name := range in.RequestItems {
			if out, err = r.item(out, operation, onTable{TableName: name}); err != nil {
				return nil, err
			}
		}
		return out, nil
	case "TransactWriteItems", "TransactGetItems":
		return r.transaction(in.TransactItems)
	}
	return nil, fmt.Errorf("the operation is not known; add it to infra/recorder")
}

// item adds an action on a table, or on its index.
func (r *Recorder) item(to []Call, operation string, on onTable) ([]Call, error) {
	table, err := r.named("dynamodb", on.TableName)
	if err != nil {
		return nil, err
	}
	if on.IndexName != "" {
		table += "/index/" + on.IndexName
	}
	return append(to, Call{Action: "dynamodb:" + operation, Resource: table}), nil
}

// transactionVerbs are the actions of what a transaction is made of.
var transactionVerbs = map[string]string{
	"Get": "GetItem", "Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem",
}

func (r *Recorder) transaction(items []map[string]onTable) (out []Call, err error) {
	for _, item := range items {
		for verb, on := range item {
			action, known := transactionVerbs[verb]
			if !known {
				return nil, fmt.Errorf("a transaction with %s is not known; add it to infra/recorder", verb)
			}
			if out, err = r.item(out, action, on); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}
