package main

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// services answer as the services of AWS do for which there is no engine here, as far as the tool asks them: SQS, Lambda's Invoke, and
// CloudFormation's lists.
type services struct {
	url string

	mu        sync.Mutex
	queues    map[string][]*message // by the last part of the address
	made      int
	refuse    string                              // operation that is refused
	resources [][2]string                         // of the stack "team": logical and physical id
	params    map[string]string                   // of the stack
	functions func(name string, event string) any // what a function answers; an error is one of the function
	asked     []string                            // operations, in order
}

// message is one in a queue.
type message struct {
	ID, Body, Receipt string
	hidden            bool
	attributes        map[string]string
}

// newServices serves them at the endpoints that the SDK is told of.
func newServices(t *testing.T) *services {
	t.Helper()
	s := &services{queues: map[string][]*message{}, params: map[string]string{}}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	s.url = h.URL
	for _, name := range []string{"SQS", "LAMBDA", "CLOUDFORMATION"} {
		t.Setenv("AWS_ENDPOINT_URL_"+name, h.URL)
	}
	return s
}

func (s *services) address(queue string) string { return s.url + "/000000000000/" + queue }

// put adds a message to a queue.
func (s *services) put(queue, body string) *message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(queue, body)
}

func (s *services) add(queue, body string) *message {
	s.made++
	m := &message{ID: fmt.Sprintf("message-%d", s.made), Body: body}
	s.queues[queue] = append(s.queues[queue], m)
	return m
}

// bodies are what a queue holds, and how many of it nobody else sees.
func (s *services) bodies(queue string) (bodies []string, hidden int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.queues[queue] {
		bodies = append(bodies, m.Body)
		if m.hidden {
			hidden++
		}
	}
	return bodies, hidden
}

func (s *services) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	switch target := r.Header.Get("X-Amz-Target"); {
	case strings.HasPrefix(target, "AmazonSQS."):
		s.sqs(w, strings.TrimPrefix(target, "AmazonSQS."), body)
	case strings.HasSuffix(r.URL.Path, "/invocations"):
		s.invoke(w, r, string(body))
	default:
		form, _ := url.ParseQuery(string(body))
		s.cloudFormation(w, form)
	}
}

// sqs answers in the JSON protocol.
func (s *services) sqs(w http.ResponseWriter, operation string, body []byte) {
	var in struct {
		QueueURL            string `json:"QueueUrl"`
		MessageBody         string
		ReceiptHandle       string
		MaxNumberOfMessages int
		VisibilityTimeout   int
	}
	_ = json.Unmarshal(body, &in)
	s.asked = append(s.asked, operation)
	queue := in.QueueURL[strings.LastIndex(in.QueueURL, "/")+1:]
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	if operation == s.refuse {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"com.amazonaws.sqs#AccessDeniedException","message":"not `+operation+`"}`)
		return
	}
	out := map[string]any{}
	switch operation {
	case "ReceiveMessage":
		var received []map[string]any
		for _, m := range s.queues[queue] {
			if m.hidden || len(received) == in.MaxNumberOfMessages {
				continue
			}
			m.hidden, m.Receipt = true, m.ID+"-receipt"
			one := map[string]any{"MessageId": m.ID, "ReceiptHandle": m.Receipt, "Body": m.Body, "MD5OfBody": md5Of(m.Body), "Attributes": map[string]string{"SentTimestamp": "1795262400000"}}
			if len(m.attributes) > 0 {
				attributes := map[string]any{}
				for k, v := range m.attributes {
					attributes[k] = map[string]string{"DataType": "String", "StringValue": v}
				}
				one["MessageAttributes"] = attributes
			}
			received = append(received, one)
		}
		out["Messages"] = received
	case "SendMessage":
		m := s.add(queue, in.MessageBody)
		out["MessageId"], out["MD5OfMessageBody"] = m.ID, md5Of(m.Body)
	case "DeleteMessage", "ChangeMessageVisibility":
		kept := s.queues[queue][:0:0]
		for _, m := range s.queues[queue] {
			if m.Receipt == in.ReceiptHandle && operation == "DeleteMessage" {
				continue
			}
			if m.Receipt == in.ReceiptHandle {
				m.hidden = in.VisibilityTimeout > 0
			}
			kept = append(kept, m)
		}
		s.queues[queue] = kept
	}
	_ = json.NewEncoder(w).Encode(out)
}

func md5Of(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

// invoke answers for a function.
func (s *services) invoke(w http.ResponseWriter, r *http.Request, event string) {
	name, _ := url.PathUnescape(strings.Split(r.URL.EscapedPath(), "/")[3])
	s.asked = append(s.asked, "Invoke "+name)
	answer := s.functions(name, event)
	if err, failed := answer.(error); failed {
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		answer = map[string]string{"errorMessage": err.Error()}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// cloudFormation answers in the query protocol.
func (s *services) cloudFormation(w http.ResponseWriter, form url.Values) {
	type summary struct {
		LogicalResourceID  string `xml:"LogicalResourceId"`
		PhysicalResourceID string `xml:"PhysicalResourceId"`
	}
	type parameter struct{ ParameterKey, ParameterValue string }
	type stack struct {
		StackName  string
		Parameters []parameter `xml:"Parameters>member"`
	}
	s.asked = append(s.asked, form.Get("Action"))
	if form.Get("StackName") != "team" {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id `+form.Get("StackName")+` does not exist</Message></Error></ErrorResponse>`)
		return
	}
	var result any
	if form.Get("Action") == "ListStackResources" {
		page := struct {
			XMLName   xml.Name  `xml:"ListStackResourcesResult"`
			Resources []summary `xml:"StackResourceSummaries>member"`
			NextToken string    `xml:",omitempty"`
		}{}
		rest := s.resources
		if form.Get("NextToken") == "" && len(rest) > 1 { // in two pages
			rest, page.NextToken = rest[:1], "more"
		} else if len(rest) > 1 {
			rest = rest[1:]
		}
		for _, r := range rest {
			page.Resources = append(page.Resources, summary{r[0], r[1]})
		}
		result = page
	} else {
		one := stack{StackName: "team"}
		for k, v := range s.params {
			one.Parameters = append(one.Parameters, parameter{k, v})
		}
		result = struct {
			XMLName xml.Name `xml:"DescribeStacksResult"`
			Stacks  []stack  `xml:"Stacks>member"`
		}{Stacks: []stack{one}}
	}
	_, _ = fmt.Fprintf(w, "<%sResponse>", form.Get("Action"))
	_ = xml.NewEncoder(w).Encode(result)
	_, _ = fmt.Fprintf(w, "</%sResponse>", form.Get("Action"))
}
