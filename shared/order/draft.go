package order

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/name"
	"github.com/assetry/assetry/shared/product"
)

// Limits of an order's details, beside MaxMetadata.
const (
	MaxAddress  = 1_000         // characters: several lines
	MaxSqFt     = math.MaxInt32 // square feet: what the schema's Int holds
	MaxNestings = 10            // lists and objects of Metadata that lie in each other
)

// Draft is what a client says of an order that it begins. Fields without a value are not said; name and product are required.
type Draft struct {
	// ID was drawn before, for a request that may be run again; zero: it is drawn now. If an order has it, that order is the answer, as it stands.
	ID       id.Order
	Name     string // 1 to name.Max characters
	Product  string // one of Options.Products, in any case
	SqFt     int64  // 1 to MaxSqFt; 0: not said
	Address  string // up to MaxAddress characters
	Units    string // METRIC or IMPERIAL, in any case
	Metadata string // any JSON of up to MaxMetadata bytes and MaxNestings; null is none
}

// Change is what an Update changes. What is nil stays as it is; "" and 0 take a detail away, but for name and product.
type Change struct {
	Name, Product            *string
	SqFt                     *int64
	Address, Units, Metadata *string
}

// details checks what a client says of an order and brings it into the form that is kept. The error is fault.Invalid about every argument
// that is wrong, by its name in the published schema.
func (s *Service) details(o *Order) error {
	bad := fault.FieldsOf(name.Check("order_name", o.Name, name.Max))
	o.Product = strings.ToLower(o.Product)
	if !slices.Contains(s.products, o.Product) {
		bad = append(bad, fault.Field{Name: "product", Message: fmt.Sprintf("%.60q is no product; there is %s", o.Product, strings.Join(s.products, ", "))})
	}
	if o.SqFt < 0 || o.SqFt > MaxSqFt {
		bad = append(bad, fault.Field{Name: "estimated_sqft", Message: fmt.Sprintf("%d square feet; send 1 to %d, or leave it out", o.SqFt, MaxSqFt)})
	}
	bad = append(bad, fault.FieldsOf(name.CheckText("address", o.Address, MaxAddress))...)
	o.Units = strings.ToUpper(o.Units)
	if o.Units != "" && o.Units != product.Metric && o.Units != product.Imperial {
		bad = append(bad, fault.Field{Name: "model_units", Message: fmt.Sprintf("%.60q are no units; send %s or %s", o.Units, product.Metric, product.Imperial)})
	}
	text, says := checkMetadata(o.Metadata)
	if says != "" {
		bad = append(bad, fault.Field{Name: "metadata", Message: says})
	}
	o.Metadata = text
	return fault.BadFields(bad)
}

// checkMetadata gives a JSON text without superfluous space, "" for null; says is what is wrong with it.
func checkMetadata(text string) (compact, says string) {
	if text == "" {
		return "", ""
	}
	if len(text) > MaxMetadata {
		return text, fmt.Sprintf("has %d bytes as JSON; at most %d are kept", len(text), MaxMetadata)
	}
	deep, err := nestings(text)
	if err != nil {
		return text, "is not JSON; send one JSON value"
	}
	if deep > MaxNestings {
		return text, fmt.Sprintf("has lists and objects that lie %d deep in each other; at most %d are allowed", deep, MaxNestings)
	}
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		return text, "is not JSON; send one JSON value"
	}
	if b.String() == "null" {
		return "", ""
	}
	return b.String(), ""
}

// nestings is how deep lists and objects of a JSON text lie in each other.
func nestings(text string) (most int, err error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	for deep := 0; ; {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return most, nil
		}
		if err != nil {
			return 0, err
		}
		switch t {
		case json.Delim('['), json.Delim('{'):
			deep++
			most = max(most, deep)
		case json.Delim(']'), json.Delim('}'):
			deep--
		}
	}
}

// with is an order with what a change says of it.
func (o Order) with(c Change) Order {
	for _, f := range []struct {
		of *string
		to *string
	}{{&o.Name, c.Name}, {&o.Product, c.Product}, {&o.Address, c.Address}, {&o.Units, c.Units}, {&o.Metadata, c.Metadata}} {
		if f.to != nil {
			*f.of = *f.to
		}
	}
	if c.SqFt != nil {
		o.SqFt = *c.SqFt
	}
	return o
}
