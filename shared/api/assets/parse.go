package assets

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/page"
)

// assetPrefix begins an asset id in this API; the domain's form is the bare UUID.
const assetPrefix = "asset_"

func assetID(s string) (id.Asset, error) {
	rest, ok := strings.CutPrefix(s, assetPrefix)
	a, err := id.ParseAsset(rest)
	if !ok || err != nil {
		return id.Asset{}, access.Missing("asset")
	}
	return a, nil
}

func workspaceID(s string) (id.Workspace, error) {
	w, err := id.ParseWorkspace(s)
	if err != nil {
		return w, access.Missing("workspace")
	}
	return w, nil
}

func projectID(s string) (id.Project, error) {
	p, err := id.ParseProject(s)
	if err != nil {
		return p, access.Missing("project")
	}
	return p, nil
}

func folderID(s string) (id.Folder, error) {
	f, err := id.ParseFolder(s)
	if err != nil {
		return f, access.Missing("folder")
	}
	return f, nil
}

// optionalProject reads a project id that may be left out: "" is none.
func optionalProject(s string) (id.Project, error) {
	if s == "" {
		return id.Project{}, nil
	}
	return projectID(s)
}

// defaultLimit is how many entries a page has when nothing is asked for.
const defaultLimit = 50

// query is a query string of which every parameter is read at most once. What is wrong is collected.
type query struct {
	values url.Values
	faults []fault.Field
}

func readQuery(r *http.Request) (*query, error) {
	v, err := web.Query(r)
	return &query{values: v}, err
}

// text is a parameter; "" when it is absent or empty.
func (q *query) text(name string) string {
	sent := slices.DeleteFunc(slices.Clone(q.values[name]), func(s string) bool { return s == "" })
	if len(sent) > 1 {
		q.faults = append(q.faults, fault.Field{Name: name, Message: "was sent more than once; send it once"})
	}
	if len(sent) == 0 {
		return ""
	}
	return sent[0]
}

// limit is how many entries a page may have.
func (q *query) limit() int { return q.upTo(page.MaxLimit, defaultLimit) }

// upTo is how many entries a page of up to most may have; unasked is for a request that does not say.
func (q *query) upTo(most, unasked int) int {
	s := q.text("limit")
	if s == "" {
		return unasked
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > most || strconv.Itoa(n) != s {
		m := "is " + strconv.Quote(clip(s)) + "; send a whole number from 1 to " + strconv.Itoa(most)
		q.faults = append(q.faults, fault.Field{Name: "limit", Message: m})
		return unasked
	}
	return n
}

// flag is a parameter that is true or false, the latter when it is left out.
func (q *query) flag(name string) bool {
	s := q.text(name)
	if s != "" && s != "true" && s != "false" {
		q.faults = append(q.faults, fault.Field{Name: name, Message: "is " + strconv.Quote(clip(s)) + "; send true or false, or leave it out"})
	}
	return s == "true"
}

// need notes a parameter that must be there.
func (q *query) need(name, sent string) {
	if sent == "" {
		q.faults = append(q.faults, fault.Field{Name: name, Message: "Required"})
	}
}

func (q *query) err() error { return fault.BadFields(q.faults) }

// clip keeps what a message repeats of the client's text short.
func clip(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}

// field is one text field of a body; nil was not sent.
type field struct {
	name     string
	sent     *string
	required bool
}

// checkFields notes what is missing and what was sent empty: the domain takes "" for absent.
func checkFields(fields ...field) error {
	var faults []fault.Field
	for _, f := range fields {
		switch {
		case f.required && value(f.sent) == "":
			faults = append(faults, fault.Field{Name: f.name, Message: "Required"})
		case f.sent != nil && *f.sent == "":
			faults = append(faults, fault.Field{Name: f.name, Message: "is empty; send a value or leave the field out"})
		}
	}
	return fault.BadFields(faults)
}

// rename gives a field of the domain the name that clients of this API sent it under.
func rename(err error, from, to string) error {
	var f *fault.Error
	if !errors.As(err, &f) || !slices.ContainsFunc(f.Fields, func(x fault.Field) bool { return x.Name == from }) {
		return err
	}
	fields := slices.Clone(f.Fields)
	for i := range fields {
		if fields[i].Name == from {
			fields[i].Name = to
		}
	}
	renamed := fault.BadFields(fields)
	errors.As(renamed, &f)
	f.Cause = err
	return f
}

// optionalBody decodes a JSON body that may be left out; into is a pointer to a pointer, so that null is a way to leave it out.
func optionalBody[T any](r *http.Request, into **T) error {
	body := bufio.NewReader(r.Body)
	if _, err := body.Peek(1); errors.Is(err, io.EOF) {
		return nil
	}
	r.Body = io.NopCloser(body)
	return web.DecodeJSON(r, into)
}

// action reads a request that has nothing but an id in its path. The published client sends no body; {} does no harm, and anything else
// is refused, because it would be lost.
func action(r *http.Request) (id.Asset, error) {
	a, err := assetID(web.PathValue(r, paramAsset))
	if err != nil {
		return a, err
	}
	return a, emptyBody(r)
}

// emptyBody reads the body of a request that takes none.
func emptyBody(r *http.Request) error {
	nothing := &struct{}{}
	err := optionalBody(r, &nothing)
	if fault.Is(err, fault.Invalid) {
		return fault.BadField(bodyField, "this request takes no fields; send no body, or {}")
	}
	return err
}

// value is what an optional field holds; the zero value when it was not sent.
func value[T any](sent *T) T {
	if sent == nil {
		return *new(T)
	}
	return *sent
}
