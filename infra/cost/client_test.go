package cost

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/infra/dialects"
)

// fields is a JSON object.
type fields = map[string]any

// apiChunk is what the HTTP API counts as one request.
const apiChunk = 512 << 10

// call sends a request of JSON through the API to its function, and gives the answer's body.
func (w *world) call(method, path string, body any, want int, headers ...string) fields {
	w.t.Helper()
	e := events.APIGatewayV2HTTPRequest{Headers: map[string]string{}}
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			w.t.Fatal(err)
		}
		e.Body, e.Headers["content-type"] = string(b), "application/json"
	}
	for i := 0; i < len(headers); i += 2 {
		e.Headers[headers[i]] = headers[i+1]
	}
	return w.request(method, path, e, want)
}

// request sends what e has beside method and path, with the key.
func (w *world) request(method, path string, e events.APIGatewayV2HTTPRequest, want int) fields {
	w.t.Helper()
	at, err := url.Parse(path)
	if err != nil {
		w.t.Fatal(err)
	}
	e.RawPath, e.RawQueryString, e.RequestContext.HTTP.Method = at.Path, at.RawQuery, method
	e.Headers["authorization"] = "Bearer " + w.key
	var answer events.APIGatewayV2HTTPResponse
	w.must(json.Unmarshal(w.invoke(w.routing.function(method, at), e), &answer))
	w.used.API += max(1, chunks(len(e.Body), apiChunk), chunks(len(answer.Body), apiChunk))
	if answer.StatusCode != want {
		w.t.Fatalf("%s %s answered %d %s; want %d", method, path, answer.StatusCode, answer.Body, want)
	}
	out := fields{"location": answer.Headers["Location"]}
	if answer.Body != "" && strings.HasPrefix(answer.Body, "{") {
		if err := json.Unmarshal([]byte(answer.Body), &out); err != nil {
			w.t.Fatal(err)
		}
	}
	return out
}

func chunks(size, of int) int { return (size + of - 1) / of }

// routing knows the functions of the HTTP API.
type routing struct {
	mux       *http.ServeMux
	functions map[string]string       // by the mux's pattern
	handlers  map[string]http.Handler // by the function's name
}

func newRouting(s services) routing {
	r := routing{http.NewServeMux(), map[string]string{}, dialects.Handlers(s, "us-east-1")}
	for _, f := range dialects.Routes(s, "us-east-1") {
		pattern := f.Method + " " + f.Pattern
		r.mux.Handle(pattern, http.NotFoundHandler()) // only ever asked for the pattern
		r.functions[pattern] = f.Name
	}
	return r
}

// function is the one behind a path.
func (r routing) function(method string, at *url.URL) string {
	_, pattern := r.mux.Handler(&http.Request{Method: method, URL: at})
	if name, ok := r.functions[pattern]; ok {
		return name
	}
	return dialects.Fallback
}

// create announces a picture, with more fields.
func (w *world) create(name string, more fields, headers ...string) fields {
	w.t.Helper()
	body := fields{"source": "signed-url", "workspace_id": w.ws.String(), "file_name": name, "content_type": "image/png"}
	maps.Copy(body, more)
	return w.call(http.MethodPost, "/api/v1/assets", body, http.StatusCreated, headers...)
}

// send posts the form of a created asset with the picture.
func (w *world) send(created fields) {
	w.t.Helper()
	w.sendBytes(created, picture)
}

func (w *world) sendBytes(created fields, body []byte) {
	w.t.Helper()
	up, ok := created["upload"].(fields)
	if !ok {
		w.t.Fatalf("no upload in %v", created)
	}
	var buf bytes.Buffer
	form := multipart.NewWriter(&buf)
	for k, v := range maps.All(up["form_fields"].(fields)) {
		w.must(form.WriteField(k, v.(string)))
	}
	part, err := form.CreateFormFile("file", "a.png")
	w.must(err)
	_, err = part.Write(body)
	w.must(err)
	w.must(form.Close())
	res, err := w.server.HTTP().Post(up["url"].(string), form.FormDataContentType(), &buf)
	w.must(err)
	_ = res.Body.Close()
	if res.StatusCode != http.StatusNoContent {
		w.t.Fatalf("the form was answered %d", res.StatusCode)
	}
	w.used.Puts++
}

// direct sends a file in the request itself.
func (w *world) direct(name string, body []byte) fields {
	w.t.Helper()
	var buf bytes.Buffer
	form := multipart.NewWriter(&buf)
	w.must(form.WriteField("workspace_id", w.ws.String()))
	part, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="` + name + `"`}, "Content-Type": {"image/png"},
	})
	w.must(err)
	_, err = part.Write(body)
	w.must(err)
	w.must(form.Close())
	return w.request(http.MethodPost, "/api/v1/assets", events.APIGatewayV2HTTPRequest{
		Headers: map[string]string{"content-type": form.FormDataContentType()},
		Body:    base64.StdEncoding.EncodeToString(buf.Bytes()), IsBase64Encoded: true,
	}, http.StatusCreated)
}

// sendParts sends all parts that an answer has addresses for.
func (w *world) sendParts(created fields, file []byte) {
	w.t.Helper()
	up := created["upload"].(fields)
	size := int(up["part_size"].(float64))
	for _, p := range up["parts"].([]any) {
		part := p.(fields)
		from := (int(part["part_number"].(float64)) - 1) * size
		body := file[from:min(from+size, len(file))]
		req, err := http.NewRequest(http.MethodPut, part["url"].(string), bytes.NewReader(body))
		w.must(err)
		res, err := w.server.HTTP().Do(req)
		w.must(err)
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			w.t.Fatalf("part %v was answered %d", part["part_number"], res.StatusCode)
		}
		w.used.Puts++
	}
}

// fetch reads what a redirect leads to, as a client does.
func (w *world) fetch(location string) {
	w.t.Helper()
	res, err := w.server.HTTP().Get(location)
	w.must(err)
	body, err := io.ReadAll(res.Body)
	w.must(err)
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK || !bytes.Equal(body, picture) {
		w.t.Fatalf("%s was answered %d with %d bytes", location, res.StatusCode, len(body))
	}
	w.used.Gets++
}

// upload is a picture that is ready, with all that followed.
func (w *world) upload(name string) (asset string) {
	w.t.Helper()
	a := w.create(name, nil)
	w.send(a)
	w.follow()
	return idOf(a)
}

// retrieve gives an asset.
func (w *world) retrieve(asset string) fields {
	w.t.Helper()
	return w.call(http.MethodGet, "/api/v1/assets/"+asset, nil, http.StatusOK)
}

// complete says that the bytes are there.
func (w *world) complete(asset string) fields {
	w.t.Helper()
	return w.call(http.MethodPost, "/api/v1/assets/"+asset+"/complete", nil, http.StatusOK)
}

func idOf(created fields) string { return created["asset_id"].(string) }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}
