package acceptance_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// The tables of TestBadInputIsRefusedAndWritesNothing.

var jsonHeader = http.Header{"Content-Type": {"application/json"}}

// badJSON are bodies of POST /assets, /projects and folders.
func badJSON(c *client) []refusal {
	post := func(name, body string, status int, code, field string) refusal {
		return refusal{name: name, method: "POST", path: "/assets", header: jsonHeader, body: body, status: status, code: code, field: field}
	}
	with := func(more string) string {
		return `{"source": "signed-url", "workspace_id": "` + c.Workspace + `", ` + more + `}`
	}
	const invalid = "input_validation_error"
	rs := []refusal{
		post("no body", "", 400, "invalid_json", ""),
		post("a cut object", `{"source": "signed-url", `, 400, "invalid_json", ""),
		post("words", `hello`, 400, "invalid_json", ""),
		post("two objects", with(`"file_name": "a.png"`)+with(`"file_name": "b.png"`), 400, "", ""),
		post("an array", `[]`, 400, "", ""),
		post("null", `null`, 400, "", ""),
		post("a number", `7`, 400, "", ""),
		post("bytes that are no UTF-8", with("\"file_name\": \"\xff\xfe\""), 400, "", ""),
		post("deep nesting of arrays", strings.Repeat("[", 100_000), 400, "", ""),
		post("deep nesting in a field", with(`"file_name": `+strings.Repeat(`{"a":`, 50_000)+"1"+strings.Repeat("}", 50_000)), 400, "", ""),
		post("an unknown field", with(`"colour": "blue"`), 400, invalid, "colour"),
		post("no source", `{"workspace_id": "`+c.Workspace+`"}`, 400, invalid, "source"),
		post("a source that is unknown", `{"source": "magic", "workspace_id": "`+c.Workspace+`"}`, 400, invalid, "source"),
		post("a link without TLS as source", `{"source": "http://example.com/cat.png", "workspace_id": "`+c.Workspace+`"}`, 400, invalid, "source"),
		post("a link to a private address", `{"source": "https://192.168.0.1/cat.png", "workspace_id": "`+c.Workspace+`"}`, 400, invalid, "source"),
		post("no workspace", `{"source": "signed-url"}`, 400, invalid, "workspace_id"),
		post("a workspace that does not parse", `{"source": "signed-url", "workspace_id": "nonsense"}`, 404, "not_found", ""),
		post("a workspace that is not ours", `{"source": "signed-url", "workspace_id": "`+foreign(c.Workspace)+`"}`, 404, "not_found", ""),
		post("a project that does not exist", with(`"project_id": "prj_nonsense"`), 404, "not_found", ""),
		post("a type that is not taken", with(`"content_type": "image/svg+xml"`), 400, invalid, "content_type"),
		post("a type that is none", with(`"content_type": "picture"`), 400, invalid, "content_type"),
		post("an empty name", with(`"file_name": ""`), 400, invalid, "file_name"),
		post("a name of 256 characters", with(`"file_name": "`+strings.Repeat("é", 256)+`"`), 400, invalid, "file_name"),
		post("a name of 100,000 characters", with(`"file_name": "`+strings.Repeat("x", 100_000)+`"`), 400, invalid, "file_name"),
		post("a name with a line break", with(`"file_name": "a\nb.png"`), 400, invalid, "file_name"),
		post("a name with a zero byte", with(`"file_name": "a\u0000b.png"`), 400, invalid, "file_name"),
		post("a folder of 100,000 characters", with(`"folder": "`+strings.Repeat("x", 100_000)+`"`), 400, invalid, "folder"),
	}
	for _, field := range []string{"source", "workspace_id", "content_type", "file_name", "folder", "project_id"} {
		for kind, value := range map[string]string{"a number": "7", "an object": "{}", "a list": `["a"]`, "true": "true"} {
			body := map[string]json.RawMessage{
				"source": json.RawMessage(`"signed-url"`), "workspace_id": json.RawMessage(`"` + c.Workspace + `"`), field: json.RawMessage(value),
			}
			b, err := json.Marshal(body)
			if err != nil {
				panic(err) // the values above are JSON
			}
			rs = append(rs, post(kind+" as "+field, string(b), 400, invalid, field))
		}
	}
	return append(rs, badPlaces(c)...)
}

// badPlaces are bodies for projects and folders.
func badPlaces(c *client) []refusal {
	const invalid = "input_validation_error"
	folders := "/workspaces/" + c.Workspace + "/library/folders"
	project := func(name, body, field string) refusal {
		return refusal{name: name, method: "POST", path: "/projects", header: jsonHeader, body: body, status: 400, code: invalid, field: field}
	}
	return []refusal{
		project("a project without a name", `{"workspace_id": "`+c.Workspace+`"}`, "name"),
		project("a project with an empty name", `{"name": "", "workspace_id": "`+c.Workspace+`"}`, "name"),
		project("a project with a name of 256 characters", `{"name": "`+strings.Repeat("x", 256)+`", "workspace_id": "`+c.Workspace+`"}`, "name"),
		project("a project with a number as name", `{"name": 7, "workspace_id": "`+c.Workspace+`"}`, "name"),
		project("a project without a workspace", `{"name": "x"}`, "workspace_id"),
		project("a project with an unknown field", `{"name": "x", "workspace_id": "`+c.Workspace+`", "colour": 1}`, "colour"),
		{name: "a project in another's workspace", method: "POST", path: "/projects", header: jsonHeader,
			body: `{"name": "x", "workspace_id": "` + foreign(c.Workspace) + `"}`, status: 404, code: "not_found"},
		{name: "a folder with a number as name", method: "POST", path: folders, header: jsonHeader, body: `{"name": 7}`, status: 400, code: invalid, field: "name"},
		{name: "a folder with a name of 100,000 characters", method: "POST", path: folders, header: jsonHeader,
			body: `{"name": "` + strings.Repeat("x", 100_000) + `"}`, status: 400, code: invalid, field: "name"},
		{name: "a folder in another's workspace", method: "POST", path: "/workspaces/" + foreign(c.Workspace) + "/library/folders",
			header: jsonHeader, body: `{"name": "x"}`, status: 404, code: "not_found"},
		{name: "an item in a folder that does not exist", method: "POST", path: folders + "/nonsense/items", header: jsonHeader,
			body: `{"type": "text", "text": "x"}`, status: 404, code: "not_found"},
	}
}

// foreign is an id of the same form that is not ours: its last character is another.
func foreign(id string) string {
	last := byte('0')
	if id[len(id)-1] == last {
		last = '1'
	}
	return id[:len(id)-1] + string(last)
}

// badForms are direct uploads.
func badForms(c *client) []refusal {
	const invalid = "input_validation_error"
	workspace := part{name: "workspace_id", value: c.Workspace}
	file := part{name: "file", file: "a.png", contentType: "image/png", value: string(picture(1))}
	post := func(name string, status int, code, field string, parts ...part) refusal {
		contentType, body := form(parts...)
		return refusal{name: name, method: "POST", path: "/assets", header: http.Header{"Content-Type": {contentType}},
			body: body.String(), status: status, code: code, field: field}
	}
	raw := func(name, contentType, body string, status int) refusal {
		r := refusal{name: name, method: "POST", path: "/assets", body: body, status: status, header: http.Header{}}
		if contentType != "" {
			r.header.Set("Content-Type", contentType)
		}
		return r
	}
	whole, body := form(workspace, file)
	return []refusal{
		post("a form without parts", 400, invalid, "file"),
		post("a form without a file", 400, invalid, "file", workspace),
		post("a form without a workspace", 400, invalid, "workspace_id", file),
		post("a form with two files", 400, invalid, "file", workspace, file, file),
		post("a form with two workspaces", 400, invalid, "workspace_id", workspace, workspace, file),
		post("a file part without a name", 400, invalid, "", workspace, part{file: "a.png", value: "x"}, file),
		post("a file part without a file name", 400, invalid, "file", workspace, part{name: "file", value: "x"}),
		post("a form with an unknown field", 400, invalid, "colour", workspace, part{name: "colour", value: "blue"}, file),
		post("a form with a name of 256 characters", 400, invalid, "file_name", workspace, file, part{name: "file_name", value: strings.Repeat("x", 256)}),
		post("a form with a name of 100,000 characters", 400, invalid, "file_name", workspace, file, part{name: "file_name", value: strings.Repeat("x", 100_000)}),
		post("a form with a type that is not taken", 400, invalid, "content_type", workspace, file, part{name: "content_type", value: "image/svg+xml"}),
		post("a form with 1,000 parts", 400, invalid, "", append([]part{workspace, file}, slices.Repeat([]part{{name: "folder", value: "x"}}, 1000)...)...),
		post("a form for another's workspace", 404, "not_found", "", part{name: "workspace_id", value: foreign(c.Workspace)}, file),
		post("a file of a byte over 4 MiB", 413, "", "", workspace, part{name: "file", file: "a.png", value: strings.Repeat("x", 4<<20+1)}),
		raw("a form without a boundary", "multipart/form-data", body.String(), 400),
		raw("a form with another boundary", "multipart/form-data; boundary=other", body.String(), 400),
		raw("a form that is cut", whole, body.String()[:body.Len()/2], 400),
		raw("a form that is empty", whole, "", 400),
		raw("a type that no route reads", "text/plain", "hello", 415),
		raw("a web form", "application/x-www-form-urlencoded", "source=signed-url", 415),
		raw("another multipart type", "multipart/mixed; boundary=x", "--x--", 415),
		raw("a broken type", "application/json;;;=", "{}", 0),
		raw("a body without a type", "", `{"source": "signed-url", "workspace_id": "`+c.Workspace+`"}`, 415),
		raw("JSON in another character set", "application/json; charset=utf-16", "{}", 0),
	}
}

// badQueries are query strings of lists.
func badQueries(c *client) []refusal {
	const invalid = "input_validation_error"
	get := func(name, query string, status int, code, field string) refusal {
		return refusal{name: name, method: "GET", path: "/assets?" + query, status: status, code: code, field: field}
	}
	rs := []refusal{
		get("a list of a workspace that does not parse", "workspace_id=nonsense", 404, "not_found", ""),
		get("a list of another's workspace", "workspace_id="+foreign(c.Workspace), 404, "not_found", ""),
		get("a list of a project that does not exist", "project_id=prj_nonsense", 404, "not_found", ""),
		get("a broken escape in a query", "query=%zz", 400, "", ""),
		{name: "a list of projects without a workspace", method: "GET", path: "/projects", status: 400, code: invalid, field: "workspace_id"},
		{name: "a list of projects with a limit of 0", method: "GET", path: "/projects?limit=0&workspace_id=" + c.Workspace, status: 400, code: invalid, field: "limit"},
	}
	for _, limit := range []string{"0", "-1", "101", "abc", "1.5", "1e1", "99999999999999999999", "%00"} {
		rs = append(rs, get("a limit of "+limit, "limit="+limit, 400, invalid, "limit"))
	}
	for name, cursor := range map[string]string{
		"a broken cursor": "abc", "a cursor of zero bytes": "%00%00", "a long cursor": strings.Repeat("A", 4000), "a cursor of signs": "%22%27%3B--",
	} {
		rs = append(rs, get(name, "cursor="+cursor, 400, invalid, "cursor"))
	}
	return rs
}

// badPaths are ids that lead nowhere, and tricks.
func badPaths(c *client, existing string) []refusal {
	const unknown = "asset_01890a5d-ac96-774b-bcce-b302099a8057"
	missing := func(name, method, path string) refusal {
		return refusal{name: name, method: method, path: path, status: 404, code: "not_found"}
	}
	rs := []refusal{
		missing("an unknown asset", "GET", "/assets/"+unknown),
		missing("an unknown asset, completed", "POST", "/assets/"+unknown+"/complete"),
		missing("an unknown asset, retried", "POST", "/assets/"+unknown+"/retry"),
		missing("an unknown asset, attached", "POST", "/projects/prj_nonsense/assets/"+unknown+"/attach"),
		missing("an asset attached to an unknown project", "POST", "/projects/prj_nonsense/assets/"+existing+"/attach"),
		missing("an unknown project", "GET", "/projects/prj_nonsense"),
		missing("the nodes of an unknown project", "GET", "/projects/prj_nonsense/nodes"),
		missing("an unknown folder, deleted", "DELETE", "/workspaces/"+c.Workspace+"/library/folders/nonsense"),
		missing("an id without its prefix", "GET", "/assets/"+strings.TrimPrefix(existing, "asset_")),
		missing("an id in capitals", "GET", "/assets/"+strings.ToUpper(existing)),
		missing("an id with a space behind it", "GET", "/assets/"+existing+"%20"),
		missing("an id with a zero byte behind it", "GET", "/assets/"+existing+"%00"),
		missing("an id of 5,000 characters", "GET", "/assets/asset_"+strings.Repeat("a", 5000)),
		missing("a path that is no route", "GET", "/nothing"),
		missing("a path below a route", "GET", "/assets/"+existing+"/more/and/more"),
	}
	for _, trick := range []string{"%2e%2e", "%2E%2E%2Fprojects", "a%2Fb", "%2F", "%00", "%25", "%252e", "%3F", "%23", "%5C", "%20", "%C3%28", "%F0%9F%92%A9", "+", ";", "a=b", "%2e"} {
		rs = append(rs, missing("the id "+trick, "GET", "/assets/"+trick), missing("the id "+trick+", completed", "POST", "/assets/"+trick+"/complete"))
	}
	for _, trick := range []string{"..", ".", "../projects", "../../..", "//"} { // a server may tidy them up; either way the client is at fault
		rs = append(rs, refusal{name: "the plain path " + trick, method: "GET", path: "/assets/" + trick})
	}
	rs = append(rs, refusal{name: "a path with a broken escape", method: "GET", path: "/assets/%zz", status: 400, unreadable: true})
	return rs
}

// badKeys are requests of nobody.
func badKeys(c *client) []refusal {
	var rs []refusal
	for name, sent := range map[string]struct{ value, code string }{
		"a key that is wrong":         {"Bearer sk_live_wrong", "invalid_api_key"},
		"a key that is almost right":  {"Bearer " + foreign(c.Key), "invalid_api_key"},
		"a key of 7,000 characters":   {"Bearer sk_live_" + strings.Repeat("a", 7000), "invalid_api_key"},
		"a key with a word behind it": {"Bearer " + c.Key + " more", ""},
		"a key without Bearer":        {c.Key, ""},
		"a password":                  {"Basic dXNlcjpwYXNz", ""},
		"an empty key":                {"Bearer ", ""},
		"an empty header":             {"", "unauthorized"},
	} {
		for _, route := range []struct{ method, path, body string }{
			{"GET", "/assets", ""},
			{"POST", "/assets", `{"source": "signed-url", "workspace_id": "` + c.Workspace + `"}`},
			{"POST", "/projects", `{"name": "x", "workspace_id": "` + c.Workspace + `"}`},
		} {
			header := http.Header{"Authorization": {sent.value}, "Content-Type": {"application/json"}}
			rs = append(rs, refusal{name: name + ": " + route.method + " " + route.path, method: route.method, path: route.path,
				header: header, body: route.body, status: 401, code: sent.code})
		}
	}
	return rs
}

// badMethodsAndSizes are what the fallback and the gateway refuse.
func badMethodsAndSizes(c *client) []refusal {
	var rs []refusal
	for _, r := range []struct{ method, path string }{
		{"PUT", "/assets"}, {"DELETE", "/assets"}, {"PATCH", "/projects"}, {"DELETE", "/workspaces"}, {"GET", "/assets/asset_x/complete"},
	} {
		rs = append(rs, refusal{name: r.method + " " + r.path, method: r.method, path: r.path, status: 405})
	}
	big := strings.Repeat("x", 11<<20)
	return append(rs,
		refusal{name: "a body over 10 MB", method: "POST", path: "/assets", header: jsonHeader, body: big, status: 413, gateway: true},
		refusal{name: "a body over 10 MB without a key", method: "POST", path: "/assets",
			header: http.Header{"Authorization": {""}, "Content-Type": {"application/json"}}, body: big, status: 413, gateway: true},
	)
}
