package web

import (
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/assetry/assetry/shared/fault"
)

// MaxJSON is the largest JSON body that DecodeJSON reads, in bytes. The largest that a contract needs is the completion of 10,000
// parts, about 600 KB.
const MaxJSON = 1 << 20

// DecodeJSON reads the body into v, a pointer to a struct, strictly. The error is a *fault.Error: UnsupportedType for another
// Content-Type than application/json in UTF-8, TooLarge above MaxJSON, Malformed for what is not JSON, and Invalid, with every refused
// field by its path ("items[0].name"), for unknown or repeated keys, wrong types, numbers out of range, null where a value is
// required (only pointers, slices, maps and any take null), halves of surrogate pairs, something after the value, and nesting
// deeper than MaxDepth. Keys are matched exactly. A key that is absent leaves its field alone.
func DecodeJSON(r *http.Request, v any) error {
	if err := RequireJSON(r); err != nil {
		return err
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, MaxJSON+1))
	if err != nil {
		return fault.Wrap(err, fault.Malformed, "the body ended before its time; send it again")
	}
	if len(data) > MaxJSON {
		return fault.New(fault.TooLarge, "the JSON body is larger than the %d bytes that this request takes", MaxJSON)
	}
	root, err := parse(data)
	if err != nil {
		return err
	}
	b := &binder{}
	b.bind(rootName, root, reflect.ValueOf(v).Elem())
	return fault.BadFields(b.bad)
}

// RequireJSON is nil for a body of application/json in UTF-8, sent as it is; for any other it is fault.UnsupportedType.
func RequireJSON(r *http.Request) error {
	sent := r.Header.Get("Content-Type")
	t, params, err := mime.ParseMediaType(sent)
	charset := params["charset"]
	if err != nil || t != "application/json" || (charset != "" && !strings.EqualFold(charset, "utf-8")) {
		return fault.New(fault.UnsupportedType, "Content-Type is %.100q; this request takes application/json in UTF-8", sent)
	}
	if enc := r.Header.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		return fault.New(fault.UnsupportedType, "Content-Encoding is %.100q; send the body as it is", enc)
	}
	return nil
}

// binder puts JSON values into Go values and collects what does not fit.
type binder struct{ bad []fault.Field }

func (b *binder) refuse(path, format string, args ...any) {
	if len(b.bad) < maxBad {
		b.bad = append(b.bad, fault.Field{Name: path, Message: fmt.Sprintf(format, args...)})
	}
}

func (b *binder) bind(path string, v value, to reflect.Value) {
	if v.isNull() && takesNull(to.Kind()) {
		to.SetZero()
		return
	}
	if b.bindOwn(path, v, to) {
		return
	}
	switch to.Kind() {
	case reflect.Pointer:
		to.Set(reflect.New(to.Type().Elem()))
		b.bind(path, v, to.Elem())
	case reflect.Interface:
		b.bindAny(path, v, to)
	case reflect.Struct:
		b.bindStruct(path, v, to)
	case reflect.Map:
		b.bindMap(path, v, to)
	case reflect.Slice:
		b.bindSlice(path, v, to)
	case reflect.String:
		if s, ok := v.scalar.(string); ok {
			to.SetString(s)
		} else {
			b.wrongType(path, v, "a string")
		}
	case reflect.Bool:
		if t, ok := v.scalar.(bool); ok {
			to.SetBool(t)
		} else {
			b.wrongType(path, v, "true or false")
		}
	default:
		b.bindNumber(path, v, to)
	}
}

func (v value) isNull() bool { return v.scalar == nil && !v.object && !v.array }

func takesNull(k reflect.Kind) bool {
	return k == reflect.Pointer || k == reflect.Slice || k == reflect.Map || k == reflect.Interface
}

// bindOwn lets types that read themselves do so.
func (b *binder) bindOwn(path string, v value, to reflect.Value) bool {
	if to.Kind() == reflect.Pointer || !to.CanAddr() {
		return false
	}
	switch own := to.Addr().Interface().(type) {
	case json.Unmarshaler:
		if err := own.UnmarshalJSON(v.raw); err != nil {
			b.refuse(path, "%v", err)
		}
		return true
	case encoding.TextUnmarshaler:
		s, ok := v.scalar.(string)
		if !ok {
			b.wrongType(path, v, "a string")
		} else if err := own.UnmarshalText([]byte(s)); err != nil {
			b.refuse(path, "%v", err)
		}
		return true
	}
	return false
}

func (b *binder) bindAny(path string, v value, to reflect.Value) {
	if to.NumMethod() != 0 {
		panic(fmt.Sprintf("web.DecodeJSON cannot fill a %s", to.Type()))
	}
	var plain any
	if err := json.Unmarshal(v.raw, &plain); err != nil {
		b.refuse(path, "cannot be read: %v", err)
		return
	}
	to.Set(reflect.ValueOf(plain))
}

func (b *binder) bindStruct(path string, v value, to reflect.Value) {
	if !v.object {
		b.wrongType(path, v, "an object")
		return
	}
	fields, names := structFields(to.Type())
	for _, m := range v.members {
		i, ok := fields[m.name]
		if !ok {
			b.refuse(childPath(path, m.name), "is not a field of this request; it takes %s", strings.Join(names, ", "))
			continue
		}
		b.bind(childPath(path, m.name), m.value, to.Field(i))
	}
}

// structFields are the fields of a struct by their JSON names, and these names in order. Embedded structs are not looked into.
func structFields(t reflect.Type) (map[string]int, []string) {
	fields, names := map[string]int{}, []string{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		fields[name] = i
		names = append(names, name)
	}
	return fields, names
}

func (b *binder) bindMap(path string, v value, to reflect.Value) {
	if !v.object {
		b.wrongType(path, v, "an object")
		return
	}
	to.Set(reflect.MakeMapWithSize(to.Type(), len(v.members)))
	for _, m := range v.members {
		item := reflect.New(to.Type().Elem()).Elem()
		b.bind(childPath(path, m.name), m.value, item)
		to.SetMapIndex(reflect.ValueOf(m.name).Convert(to.Type().Key()), item)
	}
}

func (b *binder) bindSlice(path string, v value, to reflect.Value) {
	if !v.array {
		b.wrongType(path, v, "an array")
		return
	}
	items := reflect.MakeSlice(to.Type(), len(v.items), len(v.items))
	for i, item := range v.items {
		b.bind(path+"["+strconv.Itoa(i)+"]", item, items.Index(i))
	}
	to.Set(items)
}

func (b *binder) bindNumber(path string, v value, to reflect.Value) {
	n, ok := v.scalar.(json.Number)
	if !ok {
		b.wrongType(path, v, "a number")
		return
	}
	switch {
	case to.CanInt():
		i, ok := wholeNumber(n.String())
		if !ok || to.OverflowInt(i) {
			b.refuse(path, "is %.40s; it takes a whole number of %d bits", n, to.Type().Bits())
			return
		}
		to.SetInt(i)
	case to.CanFloat():
		f, err := n.Float64()
		if err != nil || to.OverflowFloat(f) {
			b.refuse(path, "is %.40s; it takes a number within the range of a %d-bit float", n, to.Type().Bits())
			return
		}
		to.SetFloat(f)
	default:
		panic(fmt.Sprintf("web.DecodeJSON cannot fill a %s", to.Type()))
	}
}

// maxDigits are the digits of the largest number of 64 bits.
const maxDigits = 19

// wholeNumber reads a JSON number digit by digit, because a float would round: 1.0 and 1e3 are whole numbers, 1.00000000000000000001 is
// none.
func wholeNumber(n string) (int64, bool) {
	n, negative := strings.CutPrefix(strings.ToLower(n), "-")
	mantissa, power, _ := strings.Cut(n, "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	zeros := len(digits) - len(strings.TrimRight(digits, "0")) - len(fraction)
	digits = strings.TrimRight(digits, "0")
	if digits == "" {
		return 0, true
	}
	if power != "" {
		shift, err := strconv.Atoi(power)
		if err != nil || shift < -MaxJSON || shift > MaxJSON { // beyond what the digits of a body could make up for
			return 0, false
		}
		zeros += shift
	}
	if zeros < 0 || len(digits)+zeros > maxDigits {
		return 0, false
	}
	if negative {
		digits = "-" + digits
	}
	i, err := strconv.ParseInt(digits+strings.Repeat("0", zeros), 10, 64)
	return i, err == nil
}

func (b *binder) wrongType(path string, v value, want string) {
	b.refuse(path, "is %s; it takes %s", v.kind(), want)
}

// kind names a value for a message.
func (v value) kind() string {
	switch v.scalar.(type) {
	case string:
		return "a string"
	case bool:
		return "true or false"
	case json.Number:
		return "a number"
	}
	switch {
	case v.object:
		return "an object"
	case v.array:
		return "an array"
	}
	return "null"
}
