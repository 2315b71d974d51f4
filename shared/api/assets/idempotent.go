package assets

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/idempotency"
	"github.com/assetry/assetry/shared/redact"
)

// keyHeader is where a client names a request, so that it happens once however often it is sent.
const keyHeader = "Idempotency-Key"

// PostServices is what every POST route needs: it says who is asking, and whether it was asked before.
type PostServices interface {
	AccountServices
	Idempotency() *idempotency.Service
}

// creation is what a POST makes: the field of its answer that names it, and how.
type creation struct {
	field   string
	format  func(id.UUID) string
	evident bool // see idempotency.Request
}

// creations are the POST routes that make something, by pattern. All others act on what the end of their path names.
var creations = map[string]creation{
	patternAssets:      {"asset_id", func(u id.UUID) string { return assetPrefix + u.String() }, true},
	patternProjects:    {"project_id", func(u id.UUID) string { return id.Project(u).String() }, false},
	patternFolders:     {"folder_id", func(u id.UUID) string { return id.Folder(u).String() }, false},
	patternWebhooks:    {"webhook_id", func(u id.UUID) string { return id.Webhook(u).String() }, false},
	patternFolderItems: {"saved_node_id", func(u id.UUID) string { return id.Node(u).String() }, false},
}

// post puts a handler behind POST and a pattern, and makes it honour keyHeader. Every POST route is made by it: route refuses the method.
func post(pattern string, s PostServices, h handler) http.Handler {
	o := once{pattern: pattern, keys: s, handle: h}
	o.makes, o.creates = creations[pattern]
	return authenticated(http.MethodPost, pattern, s, o.serve)
}

// once is a handler that honours keyHeader.
type once struct {
	pattern string
	keys    PostServices
	handle  handler
	makes   creation
	creates bool
}

func (o once) serve(w http.ResponseWriter, r *http.Request, p access.Principal) error {
	key, err := idempotency.Read(keyHeader, r.Header.Values(keyHeader))
	if err != nil || key == "" {
		return first(err, func() error { return o.handle(w, r, p) })
	}
	req, ok, err := o.read(r)
	if err != nil || !ok {
		return first(err, func() error { return o.handle(w, r, p) })
	}
	req.Key, req.By = key, p.Key
	ctx, cancel := context.WithTimeout(r.Context(), idempotency.Run)
	defer cancel()
	c, err := o.keys.Idempotency().Claim(ctx, req)
	if err != nil {
		return o.name(err, r, c.Thing)
	}
	outcome := o.handle(w, r.WithContext(context.WithValue(ctx, claimKey{}, c)), p)
	o.conclude(r.Context(), c, outcome)
	return o.name(outcome, r, c.Thing)
}

// conclude notes the end of a request. The answer stands whether or not that succeeds.
func (o once) conclude(ctx context.Context, c idempotency.Claim, outcome error) {
	if err := o.keys.Idempotency().Conclude(ctx, c, outcome); err != nil {
		web.Log(ctx).WarnContext(ctx, "end of a request not noted under its idempotency key", "error", redact.Error(err).Error())
	}
}

// first gives an error, or what follows when there is none.
func first(err error, then func() error) error {
	if err != nil {
		return err
	}
	return then()
}

// read takes the body in, so that it can be hashed and read again. ok is false for a request that its handler will refuse, whatever its key:
// a body above every limit, or one that names no workspace to make something in.
func (o once) read(r *http.Request) (req idempotency.Request, ok bool, err error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxForm+1))
	if err != nil {
		return req, false, fault.Wrap(err, fault.Malformed, "The body ended before its time; send it again.")
	}
	r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), r.Body))
	if len(body) > maxForm {
		return req, false, nil
	}
	workspace := web.PathValue(r, paramWorkspace)
	content := body
	if boundary := formBoundary(r); boundary != "" {
		content, workspace = formContent(body, boundary)
	} else if o.creates && workspace == "" {
		var in struct {
			Workspace string `json:"workspace_id"`
		}
		_ = json.Unmarshal(body, &in) // the handler says what is wrong with it
		workspace = in.Workspace
	}
	req.Sum = idempotency.SumOf([]byte(r.Method), []byte(r.URL.Path), content)
	req.Evident = o.makes.evident
	if o.creates {
		if req.In, err = id.ParseWorkspace(workspace); err != nil {
			return req, false, nil
		}
	}
	return req, true, nil
}

// formBoundary is the boundary of a form; "" for any other body.
func formBoundary(r *http.Request) string {
	if t, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); t == "multipart/form-data" {
		return params["boundary"]
	}
	return ""
}

// formContent is what a form says, whatever its boundary: clients draw a new one each time. A form that breaks off is its own bytes. The
// workspace is the last field of that name; the handler refuses a second one.
func formContent(body []byte, boundary string) (content []byte, workspace string) {
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	for n := 0; ; n++ {
		p, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) && n > 0 {
			return content, workspace
		}
		if err != nil || n == maxParts {
			return body, workspace
		}
		h := sha256.New()
		var head bytes.Buffer // the start of the part: enough for the id of a workspace
		if _, err := io.Copy(io.MultiWriter(h, &limited{&head, maxField}), p); err != nil {
			return body, workspace
		}
		if p.FormName() == "workspace_id" {
			workspace = head.String()
		}
		sum := idempotency.SumOf([]byte(p.Header.Get("Content-Disposition")), []byte(p.Header.Get("Content-Type")), h.Sum(nil))
		content = append(content, sum[:]...)
	}
}

// limited keeps the first bytes of what is written to it.
type limited struct {
	to   *bytes.Buffer
	left int
}

// Write takes everything.
func (l *limited) Write(b []byte) (int, error) {
	kept := b[:min(len(b), l.left)]
	l.left -= len(kept)
	l.to.Write(kept)
	return len(b), nil
}

// name says in a duplicate's fields what the request made or acted on, as this API spells it.
func (o once) name(err error, r *http.Request, thing id.UUID) error {
	if !fault.Is(err, fault.Duplicate) {
		return err
	}
	f := fault.Field{Name: o.makes.field}
	if o.creates {
		f.Message = o.makes.format(thing)
	} else {
		f.Name, f.Message = target(o.pattern, r)
	}
	named := fault.Wrap(err, fault.Duplicate, "%s", idempotency.Duplicate().Message)
	named.Fields = []fault.Field{f}
	return named
}

// target is what the end of a path names: {assetId} is the field asset_id. Attach acts on the asset, which its path names last too.
func target(pattern string, r *http.Request) (field, value string) {
	open, end := strings.LastIndex(pattern, "{"), strings.LastIndex(pattern, "}")
	if open < 0 || end < open {
		return bodyField, ""
	}
	param := pattern[open+1 : end]
	return strings.ToLower(strings.TrimSuffix(param, "Id")) + "_id", web.PathValue(r, param)
}

type claimKey struct{}

// given is the id that was drawn for what a request makes, and whether an earlier run of it may have made it. It is zero for a request without a
// key: then whoever makes the thing draws.
func given(ctx context.Context) (thing id.UUID, again bool) {
	c, _ := ctx.Value(claimKey{}).(idempotency.Claim)
	return c.Thing, c.Again
}
