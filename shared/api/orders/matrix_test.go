package orders_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/assetry/assetry/shared/account"
)

// reading are the fields of Query and Mutation that the scope read is enough for, and needed for; every other one wants the scope write. It is
// written down a second time on purpose.
var reading = []string{"order", "orders", "uploadSession", "asset", "webhooks", "initializeDownload"}

// writeOnly are the fields of types that the scope read does not show.
var writeOnly = map[string][]string{
	"UploadSession": {"upload_url", "expires_in", "part_urls", "upload_id"},
	"Webhook":       {"webhook_secret"},
}

// ofItself are the fields that name nothing: each client has its own.
var ofItself = []string{"orders", "webhooks", "initializeOrder", "createWebhook"}

// Who is not signed in gets nowhere, whatever the field.
func TestTokensThatAreNoneOpenNoField(t *testing.T) {
	w := newWorld(t)
	dropped, droppedSecret, ofDropped := w.newClient(w.home, account.ClientSpec{})
	revoked := w.signIn(w.client, w.secret, "")
	expired := w.signIn(w.client, w.secret, "")
	if err := w.accounts.RevokeToken(t.Context(), w.client.ID.String(), w.secret, revoked); err != nil {
		t.Fatal(err)
	}
	if err := w.accounts.DeleteClient(t.Context(), dropped.ID); err != nil {
		t.Fatal(err)
	}
	w.late += 31 * time.Second // what is cached of tokens is forgotten
	tokens := map[string]string{
		"no token": "-", "a token that is none": "nonsense", "a secret in place of a token": droppedSecret, "a revoked token": revoked,
		"a token of a deleted client": ofDropped, "a tampered token": tampered(w.token), "a token cut short": w.token[:len(w.token)-1],
	}
	w.everyField(tokens, "UNAUTHENTICATED")
	w.late += time.Hour
	w.everyField(map[string]string{"an expired token": expired}, "UNAUTHENTICATED")
}

// tampered is a token with another last character.
func tampered(token string) string {
	last := byte('a')
	if token[len(token)-1] == last {
		last = 'b'
	}
	return token[:len(token)-1] + string(last)
}

// everyField asks for every field of Query and Mutation with tokens that must all get a code.
func (w *world) everyField(tokens map[string]string, code string) {
	w.t.Helper()
	for field := range roots(w.schema) {
		for name, token := range tokens {
			in := w.asking(field, w.arguments()[field], false)
			in.token = token
			a := w.ask(in)
			if a.Data != nil || len(a.Errors) != 1 || a.Errors[0].Extensions.Code != code || code == "UNAUTHENTICATED" && a.status != 401 {
				w.t.Errorf("%s with %s answered %d with %d fields and %+v, want %s", field, name, a.status, len(a.Data), a.Errors, code)
			}
		}
	}
}

// To a client of another workspace nothing that is named exists; what names nothing is its own.
func TestAClientOfAnotherWorkspaceReachesNothing(t *testing.T) {
	w := newWorld(t)
	before := w.order(w.orderID)
	_, _, stranger := w.newClient(w.other, account.ClientSpec{})
	for field, def := range roots(w.schema) {
		named := slices.ContainsFunc(def.Arguments, func(a *ast.ArgumentDefinition) bool { return a.Type.Name() == "ID" && a.Type.NonNull })
		if named == slices.Contains(ofItself, field) {
			t.Errorf("%s names something: %t; say in ofItself whether it does", field, named)
		}
		in := w.asking(field, w.arguments()[field], false)
		in.token = stranger
		a := w.ask(in)
		switch {
		case named && (len(a.Errors) != 1 || a.Errors[0].Extensions.Code != "NOT_FOUND"):
			t.Errorf("%s by a client of another workspace gave %+v, want NOT_FOUND", field, a.Errors)
		case !named && len(a.Errors) > 0:
			t.Errorf("%s of its own was refused to a client: %+v", field, a.Errors)
		}
	}
	list := get[struct{ Orders []gotOrder }](w.stack, request{query: `{ orders { orders { order_id } } }`, token: stranger})
	if len(list.Orders) != 1 || list.Orders[0].OrderID == w.orderID {
		t.Errorf("the other workspace lists %+v, want the order that was begun there", list.Orders)
	}
	if after := w.order(w.orderID); after.Version != before.Version || len(after.Assets) != len(before.Assets) {
		t.Errorf("the order went from version %d to %d", before.Version, after.Version)
	}
}

// A colleague of the same workspace sees its orders, and has a webhook of its own.
func TestAnotherClientOfTheWorkspaceSeesItsOrders(t *testing.T) {
	w := newWorld(t)
	_, _, colleague := w.newClient(w.home, account.ClientSpec{})
	for field := range roots(w.schema) {
		in := w.asking(field, w.arguments()[field], false)
		in.token = colleague
		ofWebhook := strings.HasSuffix(field, "Webhook") && field != "createWebhook" || field == "rotateWebhookSecret"
		for _, e := range w.ask(in).Errors {
			if code := e.Extensions.Code; (code == "NOT_FOUND") != ofWebhook || code == "FORBIDDEN" {
				t.Errorf("%s by a client of the same workspace gave %s: %s", field, code, e.Message)
			}
		}
	}
}

// Scopes are held per field: of Query and Mutation, and of every type that they lead to.
func TestScopesAreHeldForEveryField(t *testing.T) {
	w := newWorld(t)
	read, write := w.signIn(w.client, w.secret, "read"), w.signIn(w.client, w.secret, "write")
	others := slices.DeleteFunc(slices.Sorted(maps.Keys(roots(w.schema))), func(f string) bool { return slices.Contains(reading, f) })
	for _, field := range slices.Concat(reading, others) { // what is read is there before it is deleted
		def, refused, allowed := roots(w.schema)[field], read, write
		if slices.Contains(reading, field) {
			refused, allowed = write, read
		}
		in := w.asking(field, w.arguments()[field], false)
		in.token = refused
		if a := w.ask(in); len(a.Errors) != 1 || a.Errors[0].Extensions.Code != "FORBIDDEN" {
			t.Errorf("%s with a token of the other scope gave %+v, want FORBIDDEN", field, a.Errors)
		}
		in.token = allowed
		for _, e := range w.ask(in).Errors {
			if e.Extensions.Code == "FORBIDDEN" {
				t.Errorf("%s with a token of its scope gave %s: %s", field, e.Extensions.Code, e.Message)
			}
		}
		if allowed == read {
			w.scopesWithin(field, w.schema.Types[def.Type.Name()], read)
		}
	}
}

// scopesWithin asks for each field of the type that a field answers.
func (w *world) scopesWithin(root string, typ *ast.Definition, token string) {
	for _, f := range typ.Fields {
		if f.Name == "__typename" || w.schema.Types[f.Type.Name()].Kind == ast.Object {
			continue
		}
		in := w.asking(root, w.arguments()[root], false)
		in.query = strings.Replace(in.query, "__typename", f.Name, 1)
		in.token = token
		forbidden := slices.ContainsFunc(w.ask(in).Errors, func(e problem) bool { return e.Extensions.Code == "FORBIDDEN" })
		something := root != "initializeDownload" // whose asset is not ready, so that no field is come to
		if want := slices.Contains(writeOnly[typ.Name], f.Name); something && forbidden != want {
			w.t.Errorf("%s of %s with the scope read is forbidden: %t, want %t", f.Name, root, forbidden, want)
		}
	}
}

// What is said of fields in this file is said of fields that there are.
func TestTheTablesOfTheMatrixNameFieldsOfTheSchema(t *testing.T) {
	s := schemaOf(t)
	for typ, fields := range writeOnly {
		for _, f := range fields {
			if s.Types[typ].Fields.ForName(f) == nil {
				t.Errorf("%s has no field %s", typ, f)
			}
		}
	}
	all := roots(s)
	for _, f := range slices.Concat(reading, ofItself, slices.Collect(maps.Keys((&world{stack: &stack{}}).arguments()))) {
		if all[f] == nil {
			t.Errorf("there is no field %s", f)
		}
	}
}
