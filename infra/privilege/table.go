package privilege

import (
	"fmt"
	"slices"
	"strings"
)

// header begins the table for people.
const header = `# What each function may do

Every function has a role of its own. This is all that the roles allow, within the permissions boundary; nothing else is granted, and nothing
of it is unused. It is generated from template.yaml by ` + "`go test ./infra/privilege -update`" + `, and ` + "`make test`" + ` holds it against what the
functions really call: [infra/privilege](privilege/privilege.go) says how.

Names are those of the template. Bucket/w/\*/source are the files of uploads; a request that a client sends with an address or a form counts
for the function that signed it. No role may list the objects of Bucket: a missing one is answered 403 then, not 404, and the driver takes the
one for the other. Functions of requests read and write items of the table by their keys; none may scan it or change it.

## Used by the code, and measured

| function | on | may |
|---|---|---|
`

// unseenHeader begins the table of what is not measured.
const unseenHeader = `
## Used by AWS in the function's name, and not measured

| on | may | functions | why |
|---|---|---|---|
`

// Table is the documentation of roles, as Markdown.
func Table(roles []Role) string {
	var b strings.Builder
	b.WriteString(header)
	for _, r := range roles {
		rows := byResource(r.Measured())
		if len(rows) == 0 {
			fmt.Fprintf(&b, "| %s | | nothing |\n", r.Function)
		}
		for i, row := range rows {
			function := ""
			if i == 0 {
				function = r.Function
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", function, row.on, strings.Join(row.actions, ", "))
		}
	}
	b.WriteString(unseenHeader)
	for _, row := range unseenRows(roles) {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", row.on, strings.Join(row.actions, ", "), strings.Join(row.functions, ", "), row.why)
	}
	return b.String()
}

// row is what may be done on one resource.
type row struct {
	on, why            string
	actions, functions []string
}

// byResource joins the actions on one resource.
func byResource(rights []Right) (rows []row) {
	for _, r := range rights {
		on := shown(r)
		if n := len(rows); n > 0 && rows[n-1].on == on {
			rows[n-1].actions = append(rows[n-1].actions, r.Action)
			continue
		}
		rows = append(rows, row{on: on, actions: []string{r.Action}})
	}
	return rows
}

// shown is the resource of a right with its conditions, for a cell of Markdown.
func shown(r Right) string {
	on := r.Resource
	if r.Prefix != "" {
		on += " by prefix " + r.Prefix
	}
	if r.When != "" {
		on += " when " + r.When
	}
	return strings.ReplaceAll(on, "*", `\*`)
}

// unseenRows joins what roles have in common: the same actions on the same resource for the same reason.
func unseenRows(roles []Role) (rows []row) {
	for _, r := range roles {
		mine := map[string]*row{}
		var order []string
		for _, u := range r.Unseen {
			key := shown(u.Right) + u.Why
			if mine[key] == nil {
				mine[key] = &row{on: shown(u.Right), why: u.Why}
				order = append(order, key)
			}
			mine[key].actions = append(mine[key].actions, u.Action)
		}
		for _, key := range order {
			rows = join(rows, *mine[key], r.Function)
		}
	}
	for i := range rows {
		if len(rows[i].functions) == len(roles) {
			rows[i].functions = []string{"all"}
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int { return strings.Compare(a.why+a.on, b.why+b.on) })
	return rows
}

// join adds a function's row to that of others, if there is the same.
func join(rows []row, r row, function string) []row {
	for i, there := range rows {
		if there.on == r.on && there.why == r.why && slices.Equal(there.actions, r.actions) {
			rows[i].functions = append(rows[i].functions, function)
			return rows
		}
	}
	r.functions = []string{function}
	return append(rows, r)
}
