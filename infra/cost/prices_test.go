package cost

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// price is what a million of something cost.
type price struct {
	What       string  `json:"what"`
	PerMillion float64 `json:"per_million"`
	Source     string  `json:"source"` // the page of AWS that says so
}

// rent is what one of something costs in a month.
type rent struct {
	What   string  `json:"what"`
	USD    float64 `json:"usd"`
	Source string  `json:"source"`
}

// guess is a number that cannot be measured without an account.
type guess struct {
	What  string  `json:"what"`
	Value float64 `json:"value"`
}

// prices is the file of prices: the only place in the product that knows any.
type prices struct {
	Region   string `json:"region"`
	Currency string `json:"currency"`
	Date     string `json:"date"` // when they were looked at
	Checked  string `json:"checked"`
	Prices   struct {
		API       price `json:"api_request"`
		Function  price `json:"function_request"`
		GBSecond  price `json:"function_gb_second"`
		WriteUnit price `json:"table_write_unit"`
		ReadUnit  price `json:"table_read_unit"`
		Puts      price `json:"bucket_write"`
		Gets      price `json:"bucket_read"`
		Event     price `json:"bus_event"`
		Queue     price `json:"queue_request"`
		LogMB     price `json:"log_mb"`
	} `json:"prices"`
	Monthly struct {
		BucketGB  rent `json:"bucket_gb"`
		TableGB   rent `json:"table_gb"`
		BackupGB  rent `json:"table_backup_gb"`
		Secret    rent `json:"secret"`
		Alarm     rent `json:"alarm"`
		Metric    rent `json:"metric"`
		Dashboard rent `json:"dashboard"`
	} `json:"monthly"`
	Assumed struct {
		FunctionMS    guess `json:"function_ms"`
		TableMS       guess `json:"table_ms"`
		BucketMS      guess `json:"bucket_ms"`
		OtherMS       guess `json:"other_ms"`
		LogBytes      guess `json:"log_bytes"`
		Metrics       guess `json:"metrics"`
		QueueReceives guess `json:"queue_receives"`
	} `json:"assumed"`
}

// perUse are the prices of a use, in the order in which they are told.
func (p prices) perUse() []price {
	l := p.Prices
	return []price{l.API, l.Function, l.GBSecond, l.WriteUnit, l.ReadUnit, l.Puts, l.Gets, l.Event, l.Queue, l.LogMB}
}

func (p prices) perMonth() []rent {
	m := p.Monthly
	return []rent{m.BucketGB, m.TableGB, m.BackupGB, m.Secret, m.Alarm, m.Metric, m.Dashboard}
}

func (p prices) guesses() []guess {
	a := p.Assumed
	return []guess{a.FunctionMS, a.TableMS, a.BucketMS, a.OtherMS, a.LogBytes, a.Metrics, a.QueueReceives}
}

func readPrices(t *testing.T) prices {
	t.Helper()
	b, err := os.ReadFile("prices.json")
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var p prices
	if err := d.Decode(&p); err != nil {
		t.Fatalf("prices.json: %v", err)
	}
	return p
}

func TestEveryPriceIsThereWithItsSource(t *testing.T) {
	p := readPrices(t)
	if _, err := time.Parse(time.DateOnly, p.Date); err != nil || p.Region == "" || p.Currency != "USD" || p.Checked == "" {
		t.Errorf("prices.json is of %q in %q, %q, checked %q; want a date, a region, USD and how they were checked", p.Date, p.Region, p.Currency, p.Checked)
	}
	check := func(what string, usd float64, source string) {
		if what == "" || usd <= 0 || !strings.HasPrefix(source, "https://aws.amazon.com/") || !strings.HasSuffix(source, "/") {
			t.Errorf("price %q is %v from %q; want a sentence, more than nothing, and a page of AWS", what, usd, source)
		}
	}
	for _, x := range p.perUse() {
		check(x.What, x.PerMillion, x.Source)
	}
	for _, x := range p.perMonth() {
		check(x.What, x.USD, x.Source)
	}
	for _, x := range p.guesses() {
		if x.What == "" || x.Value <= 0 {
			t.Errorf("assumption %q is %v; want a sentence and more than nothing", x.What, x.Value)
		}
	}
}

// use is what an operation takes, counted as AWS does.
type use struct {
	API       int            // requests to the HTTP API, by 512 KB
	Functions map[string]int // invocations, by the name of the function
	Table     int            // requests to tables
	Read      float64        // read request units
	Write     float64        // write request units
	Puts      int            // requests to the bucket that write or list
	Gets      int            // requests to the bucket that read
	Free      int            // requests to the bucket that cost nothing
	Events    int            // on the bus
	Queue     int            // requests to queues
	Outside   int            // requests to servers of others
	GBSeconds float64        // of functions, by the assumptions
}

// invocations is the number of all of them.
func (u use) invocations() int {
	n := 0
	for _, times := range u.Functions {
		n += times
	}
	return n
}

// requests is everything that was asked of anybody in the account, the client's own requests included.
func (u use) requests() int {
	return u.API + u.invocations() + u.Table + u.Puts + u.Gets + u.Free + u.Events + u.Queue
}

// quantities are those of perUse's prices, in its order.
func (u use) quantities(p prices) []float64 {
	return []float64{
		float64(u.API), float64(u.invocations()), u.GBSeconds, u.Write, u.Read, float64(u.Puts), float64(u.Gets), float64(u.Events), float64(u.Queue),
		float64(u.invocations()) * p.Assumed.LogBytes.Value / 1e6,
	}
}

// perMillion is the price of a million times the use, in dollars.
func (u use) perMillion(p prices) float64 {
	sum, list := 0.0, p.perUse()
	for i, q := range u.quantities(p) {
		sum += q * list[i].PerMillion
	}
	return sum
}

// plus is both together.
func (u use) plus(v use) use { return u.combine(v, 1) }

// minus is what u takes beyond v.
func (u use) minus(v use) use { return u.combine(v, -1) }

func (u use) combine(v use, sign int) use {
	sum := use{
		API: u.API + sign*v.API, Functions: map[string]int{}, Table: u.Table + sign*v.Table,
		Read: u.Read + float64(sign)*v.Read, Write: u.Write + float64(sign)*v.Write,
		Puts: u.Puts + sign*v.Puts, Gets: u.Gets + sign*v.Gets, Free: u.Free + sign*v.Free,
		Events: u.Events + sign*v.Events, Queue: u.Queue + sign*v.Queue, Outside: u.Outside + sign*v.Outside,
		GBSeconds: u.GBSeconds + float64(sign)*v.GBSeconds,
	}
	for name, n := range u.Functions {
		sum.Functions[name] += n
	}
	for name, n := range v.Functions {
		if sum.Functions[name] += sign * n; sum.Functions[name] == 0 {
			delete(sum.Functions, name)
		}
	}
	return sum
}

// String tells the parts that are there.
func (u use) String() string {
	return fmt.Sprintf("%d to the API, functions %v, %d to the table (%v write, %v read units), bucket %d+%d+%d, %d events, %d to queues",
		u.API, u.Functions, u.Table, u.Write, u.Read, u.Puts, u.Gets, u.Free, u.Events, u.Queue)
}

func TestAPriceIsTheSumOfItsParts(t *testing.T) {
	var p prices
	p.Prices.API.PerMillion, p.Prices.Function.PerMillion, p.Prices.GBSecond.PerMillion = 1, 2, 4
	p.Prices.WriteUnit.PerMillion, p.Prices.ReadUnit.PerMillion, p.Prices.Puts.PerMillion, p.Prices.Gets.PerMillion = 8, 16, 32, 64
	p.Prices.Event.PerMillion, p.Prices.Queue.PerMillion, p.Prices.LogMB.PerMillion = 128, 256, 512
	p.Assumed.LogBytes.Value = 1e6
	whole := use{
		API: 1, Functions: map[string]int{"a": 1}, GBSeconds: 1, Write: 1, Read: 1, Puts: 1, Gets: 1, Free: 1, Events: 1, Queue: 1, Table: 1, Outside: 1,
	}
	if got := whole.perMillion(p); got != 1023 {
		t.Errorf("one of each at powers of two costs %v, want 1023", got)
	}
	if got := whole.plus(whole).perMillion(p); got != 2046 {
		t.Errorf("two of each cost %v, want 2046", got)
	}
	if got := whole.minus(whole); got.perMillion(p) != 0 || len(got.Functions) != 0 || got.requests() != 0 {
		t.Errorf("nothing is %v", got)
	}
}
