package web_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/fault"
)

type part struct {
	Number int    `json:"number"`
	ETag   string `json:"etag,omitempty"`
}

type order struct {
	Name   string            `json:"name"`
	Note   *string           `json:"note"`
	Count  int32             `json:"count"`
	Ratio  float64           `json:"ratio"`
	Ready  bool              `json:"ready"`
	Parts  []part            `json:"parts"`
	Labels map[string]string `json:"labels"`
	Since  time.Time         `json:"since"`
	Any    any               `json:"any"`
	Raw    json.RawMessage   `json:"raw"`
	Hidden string            `json:"-"`
}

func decode(body string, v any) error {
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return web.DecodeJSON(r, v)
}

func TestDecodeReadsEveryType(t *testing.T) {
	note := "n"
	var got order
	err := decode(` {"name":"a\u00e4\ud83d\ude00\ufffd\\ufffd�","note":"n","count":-3,"ratio":0.5,"ready":true,"parts":[{"number":1e3,"etag":"x"},{"number":2.0}],
		"labels":{"a":"b"},"since":"2026-11-21T10:00:00Z","any":{"x":[1,null]},"raw":[1, 2]} `, &got)
	if err != nil {
		t.Fatal(err)
	}
	want := order{
		Name: "aä😀\uFFFD\\ufffd\uFFFD", Note: &note, Count: -3, Ratio: 0.5, Ready: true, Parts: []part{{1000, "x"}, {2, ""}}, Labels: map[string]string{"a": "b"},
		Since: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC), Any: map[string]any{"x": []any{1.0, nil}}, Raw: json.RawMessage("[1, 2]"),
	}
	if !reflect.DeepEqual(want, got) {
		t.Errorf("DecodeJSON = %+v, want %+v", got, want)
	}
}

func TestDecodeTakesNullWhereItMeansAbsent(t *testing.T) {
	note := "old"
	got := order{Name: "kept", Note: &note, Parts: []part{{1, ""}}, Labels: map[string]string{"a": "b"}, Any: 1}
	if err := decode(`{"note":null,"parts":null,"labels":null,"any":null}`, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(order{Name: "kept"}, got) {
		t.Errorf("DecodeJSON = %+v, want only the name left", got)
	}
}

func TestDecodeNamesEveryRefusedField(t *testing.T) {
	deep := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	for name, c := range map[string]struct {
		body   string
		fields []string
	}{
		"wrong types everywhere":     {`{"name":1,"note":[],"count":"3","ratio":{},"ready":"true","parts":{},"labels":[],"since":5}`, []string{"name", "note", "count", "ratio", "ready", "parts", "labels", "since"}},
		"wrong types inside":         {`{"parts":[{"number":1},{"number":"2","etag":null}],"labels":{"a":1}}`, []string{"parts[1].number", "parts[1].etag", "labels.a"}},
		"unknown fields":             {`{"nmae":"x","parts":[{"size":1}],"Hidden":"x","-":"x","local":"x"}`, []string{"nmae", "parts[0].size", "Hidden", "-", "local"}},
		"another case is unknown":    {`{"NAME":"x"}`, []string{"NAME"}},
		"null for a required value":  {`{"name":null,"count":null,"ready":null}`, []string{"name", "count", "ready"}},
		"a key sent twice":           {`{"name":"a","name":"b"}`, []string{"name"}},
		"a key sent twice inside":    {`{"parts":[{},{"number":1,"number":1}]}`, []string{"parts[1].number"}},
		"the same key by an escape":  {`{"name":"a","n\u0061me":"b"}`, []string{"name"}},
		"a fraction":                 {`{"count":1.5}`, []string{"count"}},
		"a number over its bits":     {`{"count":2147483648,"ratio":1e999}`, []string{"count", "ratio"}},
		"a number over 64 bits":      {`{"count":99999999999999999999}`, []string{"count"}},
		"a time that is none":        {`{"since":"yesterday"}`, []string{"since"}},
		"two values":                 {`{} {}`, []string{"body"}},
		"a brace too much":           {`{"name":"a"}}`, []string{"body"}},
		"an array for the body":      {`[]`, []string{"body"}},
		"null for the body":          {`null`, []string{"body"}},
		"a string for the body":      {`"x"`, []string{"body"}},
		"33 levels":                  {deep(33), []string{strings.TrimPrefix(strings.Repeat(".a", 32), ".")}},
		"half a surrogate pair":      {`{"name":"\ud83d"}`, []string{"name"}},
		"the other half":             {`{"name":"x\\\"\ude00\ufffd"}`, []string{"name"}},
		"half a pair in a key":       {`{"\ud83d":1}`, []string{"\uFFFD"}},
		"an unknown key of any size": {`{"` + strings.Repeat("ä", 5000) + `":1}`, []string{strings.Repeat("ä", 32) + "..."}},
	} {
		t.Run(name, func(t *testing.T) {
			err := decode(c.body, &order{})
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != fault.Invalid {
				t.Fatalf("DecodeJSON = %v, want an invalid one", err)
			}
			var got []string
			for _, field := range f.Fields {
				got = append(got, field.Name)
				if field.Message == "" {
					t.Errorf("field %s has no message", field.Name)
				}
			}
			if diff := cmp.Diff(c.fields, got); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeTakesTheDeepestAllowed(t *testing.T) {
	var v map[string]any
	if err := decode(strings.Repeat(`{"a":`, web.MaxDepth)+"1"+strings.Repeat("}", web.MaxDepth), &v); err != nil {
		t.Errorf("DecodeJSON of %d levels = %v, want nil", web.MaxDepth, err)
	}
}

func TestDecodeReadsWholeNumbersExactly(t *testing.T) {
	for sent, want := range map[string]int64{
		"0": 0, "-0": 0, "0.000": 0, "0e999999999999999999999": 0, "5": 5, "-5": -5, "1.0": 1, "1e3": 1000, "1E+3": 1000, "1000e-3": 1, "0.5e1": 5,
		"53687091200000": 53687091200000, "9007199254740993": 9007199254740993, "9007199254740993.0": 9007199254740993,
		"9223372036854775807": 9223372036854775807, "-9223372036854775808": -9223372036854775808, "9.223372036854775807e18": 9223372036854775807,
	} {
		var got struct{ N int64 }
		if err := decode(`{"N":`+sent+`}`, &got); err != nil || got.N != want {
			t.Errorf("DecodeJSON of %s = %d, %v; want %d", sent, got.N, err, want)
		}
	}
	for _, sent := range []string{
		"1.5", "-0.1", "1.00000000000000000001", "4503599627370497.5", "9007199254740992.5", "1e-3", "1e30", "1e999999999999999999999", "1e-999999999999",
		"9223372036854775808", "-9223372036854775809", `"5"`, "true", "null", "[]", "{}",
	} {
		var got struct{ N int64 }
		if err := decode(`{"N":`+sent+`}`, &got); !fault.Is(err, fault.Invalid) || got.N != 0 {
			t.Errorf("DecodeJSON of %s = %d, %v; want it refused", sent, got.N, err)
		}
	}
}

func TestDecodeCallsBrokenJSONMalformed(t *testing.T) {
	for _, body := range []string{
		"", "  \n", "{", `{"name"`, `{"name":}`, `{"name":"a",}`, `{name:"a"}`, `{'name':'a'}`, `{"count":01}`, `{"count":+1}`, `{"count":NaN}`,
		`{"parts":[1,]}`, `{"parts":[1 2]}`, "{\"name\":\"a\nb\"}", `{"name":"\x"}`, `{"name":"\u12"}`, "nul", "]", "{\"name\":\"\xff\"}", "\ufeff{}", `{"a" "b"}`,
		strings.Repeat("[", 20), `{1:2}`,
	} {
		if err := decode(body, &order{}); !fault.Is(err, fault.Malformed) {
			t.Errorf("DecodeJSON(%q) = %v, want malformed", body, err)
		}
	}
	if err := decode(strings.Repeat("[", 100000), &order{}); !fault.Is(err, fault.Invalid) {
		t.Errorf("DecodeJSON of 100,000 brackets = %v, want invalid for its depth", err)
	}
}

func TestDecodeChecksTypeAndSize(t *testing.T) {
	for name, c := range map[string]struct {
		contentType, encoding, body string
		kind                        fault.Kind
		ok                          bool
	}{
		"plain JSON":               {"application/json", "", "{}", 0, true},
		"with its charset":         {"Application/JSON; charset=UTF-8", "identity", "{}", 0, true},
		"another charset":          {"application/json; charset=latin1", "", "{}", fault.UnsupportedType, false},
		"no type":                  {"", "", "{}", fault.UnsupportedType, false},
		"a form":                   {"application/x-www-form-urlencoded", "", "{}", fault.UnsupportedType, false},
		"text":                     {"text/json", "", "{}", fault.UnsupportedType, false},
		"a broken type":            {"application/json; =", "", "{}", fault.UnsupportedType, false},
		"two types joined":         {"application/json,application/json", "", "{}", fault.UnsupportedType, false},
		"compressed":               {"application/json", "gzip", "{}", fault.UnsupportedType, false},
		"one byte over the cap":    {"application/json", "", `"` + strings.Repeat("a", web.MaxJSON-1) + `"`, fault.TooLarge, false},
		"at the cap, a wrong type": {"application/json", "", `"` + strings.Repeat("a", web.MaxJSON-2) + `"`, fault.Invalid, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/", strings.NewReader(c.body))
			r.Header.Set("Content-Type", c.contentType)
			r.Header.Set("Content-Encoding", c.encoding)
			err := web.DecodeJSON(r, &order{})
			if c.ok != (err == nil) || (!c.ok && !fault.Is(err, c.kind)) {
				t.Errorf("DecodeJSON = %v, want ok %v or %v", err, c.ok, c.kind)
			}
		})
	}
}

func TestDecodeBoundsTheListOfRefusedFields(t *testing.T) {
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, `,"x%d":1`, i)
	}
	var f *fault.Error
	if err := decode("{"+b.String()[1:]+"}", &order{}); !errors.As(err, &f) || len(f.Fields) != 20 {
		t.Errorf("DecodeJSON of 1,000 unknown fields lists %d, want 20", len(f.Fields))
	}
}

func TestJSONWritesNothingForWhatDoesNotMarshal(t *testing.T) {
	w := httptest.NewRecorder()
	if err := web.JSON(w, 200, func() {}); err == nil || w.Body.Len() != 0 || len(w.Header()) != 0 {
		t.Errorf("JSON of a function = %v with %q %v, want an error and nothing written", err, w.Body, w.Header())
	}
	if err := web.JSON(w, 201, map[string]string{"url": "https://a/?b=1&c=<2>"}); err != nil || w.Body.String() != `{"url":"https://a/?b=1&c=<2>"}`+"\n" {
		t.Errorf("JSON = %v %s, want the URL as it is", err, w.Body)
	}
}

func FuzzDecodeJSON(f *testing.F) {
	for _, seed := range []string{
		`{"name":"a","parts":[{"number":1}],"labels":{"a":"b"},"any":[1,2.5e3,null,true]}`, `{"name":"\ud800\ufffd\\ud800"}`, `{"a":{"a":1,"a":2}}`,
		`[1,]`, `{} x`, `"\"`, "{\"\x00\":1}", `{"count":1e400}`, `{"raw":{"x":[]}}`, `{"since":null}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var got order
		err := decode(string(data), &got)
		if err == nil {
			d := json.NewDecoder(bytes.NewReader(data))
			d.DisallowUnknownFields()
			var want order
			if werr := d.Decode(&want); werr != nil && !strings.Contains(werr.Error(), "number") {
				t.Errorf("DecodeJSON took %q, encoding/json says %v", data, werr)
			}
			return
		}
		kinds := []fault.Kind{fault.Malformed, fault.Invalid, fault.TooLarge}
		if !slices.Contains(kinds, fault.KindOf(err)) {
			t.Errorf("DecodeJSON(%q) = %v, want a client's fault", data, err)
		}
		if fault.Is(err, fault.Malformed) && json.Valid(data) && !bytes.ContainsRune(data, 0xFFFD) && strings.ToValidUTF8(string(data), "") == string(data) {
			t.Errorf("DecodeJSON(%q) = %v, but it is JSON", data, err)
		}
	})
}
