package orders

import (
	"fmt"
	"html"
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/api/orders/query"
	"github.com/assetry/assetry/shared/api/orders/surface"
)

// addition ends the description of what the published contract has not.
const addition = "Addition."

// page writes the document of a schema. It is made of strings: a template engine would cost every function a megabyte.
type page struct {
	strings.Builder
	schema *ast.Schema
}

// docsPage is the document of a schema, on one page that loads nothing.
func docsPage(s *ast.Schema) string {
	p := &page{schema: s}
	p.put("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
	p.put("<title>Orders API</title><style>%s</style></head><body>\n", docsStyle)
	p.contents()
	p.put("<main>\n<h1>Orders API</h1>\n")
	p.intro()
	p.operations("Queries", s.Query)
	p.operations("Mutations", s.Mutation)
	p.types("Types", ast.Object)
	p.types("Inputs", ast.InputObject)
	p.types("Words", ast.Enum)
	p.types("Scalars", ast.Scalar)
	p.put("</main></body></html>\n")
	return p.String()
}

func (p *page) put(format string, args ...any) { fmt.Fprintf(p, format, args...) }

// own are the names of the schema's own types of a kind, in order.
func (p *page) own(k ast.DefinitionKind) (names []string) {
	for _, n := range slices.Sorted(maps.Keys(p.schema.Types)) {
		d := p.schema.Types[n]
		if d.Kind == k && !d.BuiltIn && d != p.schema.Query && d != p.schema.Mutation {
			names = append(names, n)
		}
	}
	return names
}

// contents is the list at the side.
func (p *page) contents() {
	p.put("<nav><a href=\"#start\"><b>Orders API</b></a>\n")
	for _, part := range []struct {
		title string
		root  *ast.Definition
	}{{"Queries", p.schema.Query}, {"Mutations", p.schema.Mutation}} {
		p.put("<h2>%s</h2>\n", part.title)
		for _, f := range fieldsOf(part.root) {
			p.put("<a href=\"#%[1]s-%[2]s\">%[2]s</a>\n", part.root.Name, f.Name)
		}
	}
	for _, k := range []struct {
		title string
		kind  ast.DefinitionKind
	}{{"Types", ast.Object}, {"Inputs", ast.InputObject}, {"Words", ast.Enum}, {"Scalars", ast.Scalar}} {
		p.put("<h2>%s</h2>\n", k.title)
		for _, n := range p.own(k.kind) {
			p.put("<a href=\"#%[1]s\">%[1]s</a>\n", n)
		}
	}
	p.put("</nav>\n")
}

// fieldsOf are the fields of a type without those of the language.
func fieldsOf(d *ast.Definition) (fs ast.FieldList) {
	for _, f := range d.Fields {
		if !strings.HasPrefix(f.Name, "__") {
			fs = append(fs, f)
		}
	}
	return fs
}

const docsExample = `curl -s https://HOST%s \
  -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \
  -H "Accept: application/graphql-response+json" \
  -d '{"query": "query ($o: ID!) { order(order_id: $o) { order_status } }", "variables": {"o": "ORDER_ID"}}'`

func (p *page) intro() {
	p.put("<p id=\"start\">One address takes every request: <code>POST %s</code>, as JSON with <code>query</code>, <code>variables</code> and <code>operationName</code>. ", surface.GraphQL)
	p.put("Queries may come by GET. An access token comes from <code>POST %s</code>. The schema as text: <a href=\"%[2]s\"><code>%[2]s</code></a>.</p>\n", surface.Token, surface.Schema)
	p.put("<pre>%s</pre>\n", html.EscapeString(fmt.Sprintf(docsExample, surface.GraphQL)))
	p.put("<p>What is marked <em class=\"ours\">addition</em> is ours, and not in the published contract. <em class=\"read\">read</em> and <em class=\"write\">write</em> are the scopes that a token needs.</p>\n")
	p.put("<h2>Errors</h2>\n<p>An error has a <code>message</code>, its <code>locations</code> in the query, the <code>path</code> of its field, and <code>extensions.code</code>:</p>\n<table>\n")
	for _, row := range [][2]string{
		{"BAD_USER_INPUT", "What was sent cannot be taken. For arguments, `extensions.fields` names each."}, {"UNAUTHENTICATED", "There is no token, or it is over."},
		{"FORBIDDEN", "The token lacks the scope of a field."}, {"NOT_FOUND", "There is no such thing in the client's workspace."},
		{"CONFLICT", "The thing is in a state in which this cannot be done."}, {"RATE_LIMITED", "The client's hour is used up; Retry-After says when the next begins."},
		{"INTERNAL", "It is not the client's fault; repeat the request."},
	} {
		p.put("<tr><td><code>%s</code></td><td>%s</td></tr>\n", row[0], prose(row[1]))
	}
	p.put("</table>\n<h2>Limits of a request</h2>\n<table>\n")
	for _, row := range []struct {
		what string
		most int
	}{
		{"bytes of the body", query.MaxBytes}, {"selected fields, with those of fragments", query.MaxFields}, {"fields of a query's root", query.MaxRoots},
		{"fields of a mutation's root", query.MaxMutations}, {"fragments", query.MaxFragments}, {"levels of fields", query.MaxDepth}, {"parts of literals", query.MaxValues},
	} {
		p.put("<tr><td>%s</td><td class=\"number\">%s</td></tr>\n", row.what, thousands(row.most))
	}
	p.put("</table>\n")
}

// thousands writes a number with commas.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

func (p *page) operations(title string, root *ast.Definition) {
	p.put("<h2>%s</h2>\n", title)
	for _, f := range fieldsOf(root) {
		p.put("<section id=\"%s-%s\"><h3>%s<small>: %s</small>%s</h3>\n", root.Name, f.Name, f.Name, p.typeLink(f.Type), marks(f.Description, scopes[root.Name][f.Name]))
		p.put("<p>%s</p>\n", prose(f.Description))
		if len(f.Arguments) > 0 {
			p.put("<table>\n")
			for _, a := range f.Arguments {
				p.row(a.Name, a.Type, a.Description, "")
			}
			p.put("</table>\n")
		}
		p.put("</section>\n")
	}
}

func (p *page) row(name string, t *ast.Type, description string, s account.Scope) {
	p.put("<tr><td><code>%s</code></td><td>%s</td><td>%s%s</td></tr>\n", name, p.typeLink(t), prose(description), marks(description, s))
}

func (p *page) types(title string, k ast.DefinitionKind) {
	p.put("<h2>%s</h2>\n", title)
	for _, n := range p.own(k) {
		d := p.schema.Types[n]
		p.put("<section id=\"%[1]s\"><h3>%[1]s%[2]s</h3>\n<p>%[3]s</p>\n", n, marks(d.Description, ""), prose(d.Description))
		if len(d.Fields)+len(d.EnumValues) > 0 {
			p.put("<table>\n")
			for _, f := range fieldsOf(d) {
				need := scopes[n][f.Name]
				if need == account.Read {
					need = "" // as every other
				}
				p.row(f.Name, f.Type, f.Description, need)
			}
			for _, v := range d.EnumValues {
				p.put("<tr><td><code>%s</code></td><td>%s%s</td></tr>\n", v.Name, prose(v.Description), marks(v.Description, ""))
			}
			p.put("</table>\n")
		}
		p.put("</section>\n")
	}
}

// typeLink is a type that leads to its section, where it has one.
func (p *page) typeLink(t *ast.Type) string {
	own := t.Name()
	link := own
	if d := p.schema.Types[own]; d != nil && !d.BuiltIn {
		link = fmt.Sprintf("<a href=\"#%[1]s\">%[1]s</a>", own)
	}
	return "<code>" + strings.Replace(t.String(), own, link, 1) + "</code>"
}

// marks are what stands behind a name: whether it is ours, and the scope it needs.
func marks(description string, s account.Scope) (m string) {
	if strings.HasSuffix(strings.TrimSpace(description), addition) {
		m = " <em class=\"ours\">addition</em>"
	}
	if s != "" {
		m += fmt.Sprintf(" <em class=\"%[1]s\">%[1]s</em>", s)
	}
	return m
}

// prose is a description as HTML: what stands between backticks is code, an empty line begins a paragraph.
func prose(description string) string {
	text := strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(description), addition))
	var b strings.Builder
	for i, piece := range strings.Split(html.EscapeString(text), "`") {
		if i%2 == 1 {
			piece = "<code>" + piece + "</code>"
		}
		b.WriteString(piece)
	}
	return strings.ReplaceAll(b.String(), "\n\n", "</p>\n<p>")
}

const docsStyle = `
:root{color-scheme:light dark;--ink:#1c2024;--soft:#60646c;--line:#dfe1e5;--paper:#fff;--tint:#f4f5f7;--link:#0b5cad}
@media (prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#9aa0a6;--line:#3c4043;--paper:#17191c;--tint:#22252a;--link:#8ab4f8}}
*{box-sizing:border-box}html{scroll-behavior:smooth}
body{margin:0;font:16px/1.55 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}
code,pre{font:13.5px/1.5 ui-monospace,Menlo,Consolas,monospace}
pre{background:var(--tint);padding:14px 16px;border-radius:8px;overflow-x:auto}
nav{position:fixed;inset:0 auto 0 0;width:250px;overflow-y:auto;padding:20px 22px 40px;border-right:1px solid var(--line);background:var(--tint)}
nav a{display:block;padding:2px 0;font-size:14px}nav h2{font-size:12px;letter-spacing:.06em;text-transform:uppercase;color:var(--soft);margin:22px 0 6px;border:0;padding:0}
main{margin-left:250px;padding:28px 48px 100px;max-width:1060px}
h1{font-size:30px;margin:0 0 14px}h2{font-size:22px;margin:44px 0 10px;padding-top:14px;border-top:1px solid var(--line)}
h3{font:600 16px/1.5 ui-monospace,Menlo,Consolas,monospace;margin:0}h3 small{font-weight:400;font-size:13.5px}
section{margin:0 0 26px;scroll-margin-top:16px}section p{margin:4px 0 8px}
table{border-collapse:collapse;width:100%}td{padding:6px 14px 6px 0;border-top:1px solid var(--line);vertical-align:top;font-size:15px}
td:first-child{white-space:nowrap;width:1%;padding-right:24px}td:nth-child(2):not(:last-child){white-space:nowrap;width:1%;padding-right:24px}td.number{text-align:left}
em{font:600 11px/1 system-ui,sans-serif;padding:3px 7px;border-radius:9px;background:var(--line);vertical-align:2px;margin-left:6px;white-space:nowrap}
em.ours{background:#fdeec6;color:#6b4e00}em.write{background:#ffe0dd;color:#8a1c12}em.read{background:#dcefe0;color:#14532d}
@media (max-width:820px){nav{position:static;width:auto;border-right:0;border-bottom:1px solid var(--line)}nav a{display:inline-block;margin-right:14px}main{margin:0;padding:20px}td{white-space:normal!important}table{display:block;overflow-x:auto}}
`
