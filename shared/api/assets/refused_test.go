package assets_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// sendingFields is JSON of the fields of a create, where some values are given as they are to be spelled.
func sendingFields(t *testing.T, fields map[string]any, spelled ...string) string {
	t.Helper()
	raw := map[string]json.RawMessage{}
	for name, v := range fields {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		raw[name] = b
	}
	for i := 0; i < len(spelled); i += 2 {
		if spelled[i+1] == "" {
			delete(raw, spelled[i])
			continue
		}
		raw[spelled[i]] = json.RawMessage(spelled[i+1])
	}
	b, err := json.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// refusedCreate is a create that is refused for fields. Spelled are names and JSON values; "" leaves the field out.
type refusedCreate struct {
	name    string
	spelled []string
	fields  []string
}

// TestNumbersOfPartsAreHeldExactly sends everything that is no fitting number.
func TestNumbersOfPartsAreHeldExactly(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		good := map[string]any{"source": "multipart", "workspace_id": c.home.ID.String(), "size_bytes": 6 * mib, "part_size": 5 * mib}
		for _, field := range []string{"size_bytes", "part_size"} {
			for _, spelled := range []string{"0", "-1", "-0.5", "1.5", `"5"`, `"6291456"`, "1e30", "9223372036854775808", "53687091200001", "true", "[]", "{}",
				"6291456.0000000001", "4503599627370497.5"} {
				c.refusedCreate(t, good, refusedCreate{field + " is " + spelled, []string{field, spelled}, []string{field}})
			}
		}
		for _, tt := range []refusedCreate{
			{"no size", []string{"size_bytes", ""}, []string{"size_bytes"}},
			{"null for a size", []string{"size_bytes", "null"}, []string{"size_bytes"}},
			{"no size and a part size of 0", []string{"size_bytes", "", "part_size", "0"}, []string{"size_bytes", "part_size"}},
			{"1e3 is a thousand, and too small", []string{"part_size", "1e3"}, []string{"part_size"}},
			{"a byte less than 5 MiB", []string{"part_size", "5242879"}, []string{"part_size"}},
			{"a byte more than 5 GiB", []string{"part_size", "5368709121"}, []string{"part_size"}},
			{"10,001 parts", []string{"size_bytes", "52428800001"}, []string{"part_size"}},
			{"both too small", []string{"size_bytes", "0", "part_size", "1"}, []string{"size_bytes", "part_size"}},
		} {
			c.refusedCreate(t, good, tt)
		}
		for _, spelled := range []string{"6291456.0", "6.291456e6", "6291456000e-3"} {
			got := c.do(t, request{method: "POST", path: "/assets", key: c.keys.editor, body: sendingFields(t, good, "size_bytes", spelled)})
			if got.status != 201 {
				t.Errorf("a size of %s was answered %d %s", spelled, got.status, got.body)
			}
		}
	})
}

func (c *client) refusedCreate(t *testing.T, good map[string]any, tt refusedCreate) {
	t.Helper()
	t.Run(tt.name, func(t *testing.T) {
		in := request{method: "POST", path: "/assets", key: c.keys.editor, body: sendingFields(t, good, tt.spelled...)}
		c.refused(t, in, 400, "input_validation_error", tt.fields...)
	})
}

// Checksums of nothing, as S3 spells them.
const (
	sumSHA256 = `"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="`
	sumCRC64  = `"AAAAAAAAAAA="`
	sumCRC32C = `"AAAAAA=="`
)

func TestChecksumsThatAreRefused(t *testing.T) {
	sum := func(algorithm, value string) string { return `{"algorithm":` + algorithm + `,"value":` + value + `}` }
	inShapes(t, func(t *testing.T, c *client) {
		form := map[string]any{"source": "signed-url", "workspace_id": c.home.ID.String()}
		parts := map[string]any{"source": "multipart", "workspace_id": c.home.ID.String(), "size_bytes": 6 * mib}
		for _, good := range []map[string]any{form, parts} {
			for _, tt := range []refusedCreate{
				{"an algorithm that is none", []string{"checksum", sum(`"MD5"`, sumCRC64)}, []string{"checksum"}},
				{"an algorithm in small letters", []string{"checksum", sum(`"crc64nvme"`, sumCRC64)}, []string{"checksum"}},
				{"a value of another algorithm", []string{"checksum", sum(`"CRC64NVME"`, sumCRC32C)}, []string{"checksum"}},
				{"a value in hexadecimal", []string{"checksum", sum(`"CRC64NVME"`, `"0000000000000000"`)}, []string{"checksum"}},
				{"a value without its padding", []string{"checksum", sum(`"CRC64NVME"`, `"AAAAAAAAAAA"`)}, []string{"checksum"}},
				{"a value with a line break", []string{"checksum", sum(`"CRC64NVME"`, `"AAAAAA\nAAAAA="`)}, []string{"checksum"}},
				{"a value with bits that mean nothing", []string{"checksum", sum(`"CRC64NVME"`, `"AAAAAAAAAAB="`)}, []string{"checksum"}},
				{"a value of 100,000 characters", []string{"checksum", sum(`"CRC64NVME"`, `"`+strings.Repeat("A", 100_000)+`"`)}, []string{"checksum"}},
				{"no value", []string{"checksum", `{"algorithm":"CRC64NVME"}`}, []string{"checksum.value"}},
				{"no algorithm", []string{"checksum", `{"value":` + sumCRC64 + `}`}, []string{"checksum.algorithm"}},
				{"neither", []string{"checksum", `{}`}, []string{"checksum.algorithm", "checksum.value"}},
				{"numbers", []string{"checksum", sum("1", "0")}, []string{"checksum.algorithm", "checksum.value"}},
				{"a text", []string{"checksum", sumCRC64}, []string{"checksum"}},
				{"an unknown field", []string{"checksum", `{"algorithm":"CRC64NVME","value":` + sumCRC64 + `,"type":"COMPOSITE"}`}, []string{"checksum.type"}},
			} {
				tt.name = good["source"].(string) + ": " + tt.name
				c.refusedCreate(t, good, tt)
			}
		}
		for _, tt := range []refusedCreate{
			{"SHA256 over parts", []string{"checksum", sum(`"SHA256"`, sumSHA256)}, []string{"checksum"}},
			{"SHA256 over parts, without a value", []string{"checksum_algorithm", `"SHA256"`}, []string{"checksum_algorithm"}},
			{"an algorithm that is none, without a value", []string{"checksum_algorithm", `"MD5"`}, []string{"checksum_algorithm"}},
			{"an empty algorithm", []string{"checksum_algorithm", `""`}, []string{"checksum_algorithm"}},
			{"two algorithms", []string{"checksum_algorithm", `"CRC32C"`, "checksum", sum(`"CRC64NVME"`, sumCRC64)}, []string{"checksum_algorithm"}},
		} {
			c.refusedCreate(t, parts, tt)
		}
	})
}

// TestFieldsOfAnotherWayAreRefused holds that nothing that was sent is lost silently.
func TestFieldsOfAnotherWayAreRefused(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		for _, source := range []string{"signed-url", "https://example.com/cat.png"} {
			good := map[string]any{"source": source, "workspace_id": c.home.ID.String()}
			for _, tt := range []refusedCreate{
				{"a size", []string{"size_bytes", "5"}, []string{"size_bytes"}},
				{"a part size", []string{"part_size", "5242880"}, []string{"part_size"}},
				{"an algorithm", []string{"checksum_algorithm", `"CRC64NVME"`}, []string{"checksum_algorithm"}},
				{"all of them", []string{"size_bytes", "5", "part_size", "5", "checksum_algorithm", `"x"`}, []string{"size_bytes", "part_size", "checksum_algorithm"}},
			} {
				tt.name = source + ": " + tt.name
				c.refusedCreate(t, good, tt)
			}
			for _, null := range []string{"size_bytes", "part_size", "checksum_algorithm", "checksum"} {
				got := c.do(t, request{method: "POST", path: "/assets", key: c.keys.editor, body: sendingFields(t, good, null, "null")})
				if got.status != 201 {
					t.Errorf("%s: null for %s was answered %d %s", source, null, got.status, got.body)
				}
			}
		}
	})
}

func TestAddressesThatAreRefused(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		good := map[string]any{"workspace_id": c.home.ID.String()}
		for name, source := range map[string]string{
			"plain http":                      "http://example.com/a.png",
			"ftp":                             "ftp://example.com/a.png",
			"a file":                          "file:///etc/passwd",
			"no host":                         "https:///a.png",
			"no slashes":                      "https:example.com",
			"two slashes only":                "//example.com/a.png",
			"a host alone":                    "example.com/a.png",
			"a user":                          "https://user@example.com/a.png",
			"a user and a password":           "https://user:secret@example.com/a.png",
			"an empty user":                   "https://@example.com/a.png",
			"another port":                    "https://example.com:22/a.png",
			"a port that is none":             "https://example.com:99999/a.png",
			"loopback":                        "https://127.0.0.1/a.png",
			"loopback by name":                "https://localhost/a.png",
			"loopback in one number":          "https://2130706433/a.png",
			"loopback in hexadecimal":         "https://0x7f.1/a.png",
			"loopback in six":                 "https://[::1]/a.png",
			"loopback in six, mapped":         "https://[::ffff:127.0.0.1]/a.png",
			"a private address":               "https://10.0.0.1/a.png",
			"the metadata of a machine":       "https://169.254.169.254/latest/meta-data/",
			"a zone":                          "https://[fe80::1%25eth0]/a.png",
			"a blank":                         "https://example.com/a b.png",
			"a control character":             "https://example.com/a\u0000.png",
			"a line break":                    "https://example.com/\r\nHost: x",
			"broken percent-encoding":         "https://example.com/%zz",
			"100,000 characters":              "https://example.com/" + strings.Repeat("a", 100_000),
			"100,000 characters of host":      "https://" + strings.Repeat("a", 100_000) + ".com/",
			"a word":                          "direct",
			"another's spelling of multipart": "Multipart",
			"nothing but blanks":              "  ",
		} {
			b, err := json.Marshal(source)
			if err != nil {
				t.Fatal(err)
			}
			c.refusedCreate(t, good, refusedCreate{name, []string{"source", string(b)}, []string{"source"}})
		}
	})
}

func TestPartNumbersThatAreRefused(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		b := c.beginParts(t, 11*mib)
		thousand := "[" + strings.Repeat("1,", 1000) + "1]"
		for _, tt := range []struct {
			name, body string
			fields     []string
		}{
			{"the number 0", `{"part_numbers":[0]}`, []string{"part_numbers"}},
			{"the number 10,001", `{"part_numbers":[10001]}`, []string{"part_numbers"}},
			{"a number that is not in the plan", `{"part_numbers":[1,4]}`, []string{"part_numbers"}},
			{"a negative number", `{"part_numbers":[-1]}`, []string{"part_numbers"}},
			{"a number twice", `{"part_numbers":[2,2]}`, []string{"part_numbers"}},
			{"1,001 numbers", `{"part_numbers":` + thousand + `}`, []string{"part_numbers"}},
			{"no numbers", `{"part_numbers":[]}`, []string{"part_numbers"}},
			{"numbers that are none", `{"part_numbers":["1",1.5,null,1e30]}`, []string{"part_numbers[0]", "part_numbers[1]", "part_numbers[2]", "part_numbers[3]"}},
			{"a number for a list", `{"part_numbers":1}`, []string{"part_numbers"}},
			{"numbers and a cursor", `{"part_numbers":[1],"cursor":"1"}`, []string{"cursor"}},
			{"a cursor that is no text", `{"cursor":2}`, []string{"cursor"}},
			{"an empty cursor", `{"cursor":""}`, []string{"cursor"}},
			{"a cursor of 0", `{"cursor":"0"}`, []string{"cursor"}},
			{"a cursor with a zero", `{"cursor":"02"}`, []string{"cursor"}},
			{"a cursor that is none", `{"cursor":"abc"}`, []string{"cursor"}},
			{"a cursor beyond the plan", `{"cursor":"4"}`, []string{"cursor"}},
			{"a cursor beyond all plans", `{"cursor":"10001"}`, []string{"cursor"}},
			{"an unknown field", `{"upload_id":"x"}`, []string{"upload_id"}},
			{"a list for the body", `[1]`, []string{"body"}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				in := request{method: "POST", path: "/assets/" + b.AssetID + "/parts", key: c.keys.editor, body: tt.body}
				c.refused(t, in, 400, "input_validation_error", tt.fields...)
			})
		}
		for query, field := range map[string]string{"limit=0": "limit", "limit=1001": "limit", "limit=-1": "limit", "limit=1.5": "limit", "limit=1e1": "limit",
			"limit=x": "limit", "limit=1&limit=2": "limit", "cursor=0": "cursor", "cursor=x": "cursor", "cursor=10001": "cursor", "cursor=%001": "cursor", "cursor=1&cursor=2": "cursor"} {
			t.Run("listing with "+query, func(t *testing.T) {
				in := request{method: "GET", path: "/assets/" + b.AssetID + "/parts?" + query, key: c.keys.editor}
				c.refused(t, in, 400, "input_validation_error", field)
			})
		}
	})
}

func TestCompletionsThatAreRefused(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		b, form := c.beginParts(t, 6*mib), c.reserve(t, "image/png")
		for _, tt := range []struct {
			name, asset, body string
			fields            []string
		}{
			{"an empty list", b.AssetID, `{"parts":[]}`, []string{"parts"}},
			{"a part twice", b.AssetID, `{"parts":[{"part_number":1,"etag":"a"},{"part_number":1,"etag":"a"}]}`, []string{"parts"}},
			{"a part that is not in the plan", b.AssetID, `{"parts":[{"part_number":3,"etag":"a"}]}`, []string{"parts"}},
			{"part 0", b.AssetID, `{"parts":[{"part_number":0,"etag":"a"}]}`, []string{"parts"}},
			{"part 10,001", b.AssetID, `{"parts":[{"part_number":10001,"etag":"a"}]}`, []string{"parts"}},
			{"a part without a number", b.AssetID, `{"parts":[{"etag":"a"}]}`, []string{"parts"}},
			{"a part without an ETag", b.AssetID, `{"parts":[{"part_number":1}]}`, []string{"parts"}},
			{"an ETag of quotes", b.AssetID, `{"parts":[{"part_number":1,"etag":"\"\""}]}`, []string{"parts"}},
			{"wrong types", b.AssetID, `{"parts":[{"part_number":"1","etag":1}]}`, []string{"parts[0].part_number", "parts[0].etag"}},
			{"a fraction", b.AssetID, `{"parts":[{"part_number":1.5,"etag":"a"}]}`, []string{"parts[0].part_number"}},
			{"an unknown field in a part", b.AssetID, `{"parts":[{"part_number":1,"etag":"a","size":5}]}`, []string{"parts[0].size"}},
			{"an unknown field", b.AssetID, `{"upload_id":"x"}`, []string{"upload_id"}},
			{"an object for a list", b.AssetID, `{"parts":{}}`, []string{"parts"}},
			{"parts of a form", form.AssetID, `{"parts":[{"part_number":1,"etag":"a"}]}`, []string{"parts"}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				c.refused(t, completing(c, tt.asset, tt.body), 400, "input_validation_error", tt.fields...)
			})
		}
		c.refused(t, completing(c, b.AssetID, ""), 409, "conflict", "parts")
	})
}

func TestRetriesThatAreRefused(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		failed := c.failed(t)
		for _, tt := range []struct{ name, body, field string }{
			{"a source for what was no import", `{"source":"https://example.com/a.png"}`, "source"},
			{"an empty source", `{"source":""}`, "source"},
			{"a source that is no text", `{"source":1}`, "source"},
			{"an unknown field", `{"address":"x"}`, "address"},
		} {
			t.Run(tt.name, func(t *testing.T) {
				in := request{method: "POST", path: "/assets/" + failed.AssetID + "/retry", key: c.keys.editor, body: tt.body}
				c.refused(t, in, 400, "input_validation_error", tt.field)
			})
		}
		in := request{method: "POST", path: "/assets/" + failed.AssetID + "/upload", key: c.keys.editor, body: `{"parts":[]}`}
		c.refused(t, in, 400, "input_validation_error", "body")
	})
}
