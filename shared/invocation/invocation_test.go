package invocation_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/assetry/assetry/shared/invocation"
)

func TestGuardMakesAPanicAnError(t *testing.T) {
	said := errors.New("said by the test")
	if err := invocation.Guard(func() error { return nil }); err != nil {
		t.Errorf("Guard gave %v for nothing", err)
	}
	if err := invocation.Guard(func() error { return said }); err != said {
		t.Errorf("Guard gave %v, want the error as it is", err)
	}
	var p *invocation.Panic
	err := invocation.Guard(func() error { panic("loud") })
	if !errors.As(err, &p) || p.Value != "loud" || err.Error() != "panic: loud" || !strings.Contains(string(p.Stack), "invocation_test.go") {
		t.Errorf("Guard gave %#v for a panic", err)
	}
}

func TestTimeIsKeptForTheAnswer(t *testing.T) {
	for _, tt := range []struct {
		name       string
		left, want time.Duration
	}{
		{"a request's ten seconds", 10 * time.Second, 500 * time.Millisecond},
		{"a worker's quarter of an hour", 15 * time.Minute, 500 * time.Millisecond},
		{"a second", time.Second, 100 * time.Millisecond},
		{"nothing is left", -time.Second, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				end := time.Now().Add(tt.left)
				ctx, cancel := context.WithDeadline(t.Context(), end)
				defer cancel()
				bounded, stop := invocation.Bounded(ctx)
				defer stop()
				got, ok := bounded.Deadline()
				if spare := end.Sub(got); !ok || spare != tt.want {
					t.Errorf("%v are kept back of %v, want %v", spare, tt.left, tt.want)
				}
			})
		})
	}
	bounded, stop := invocation.Bounded(t.Context())
	if _, ok := bounded.Deadline(); ok {
		t.Error("an invocation without an end got one")
	}
	if stop(); bounded.Err() == nil {
		t.Error("what began in it goes on after it")
	}
}

func TestDecodeSaysWhereAPayloadIsWrongAndNotWhatIsThere(t *testing.T) {
	type event struct {
		Name string
		At   time.Time
		List []struct{ N int }
	}
	for _, tt := range []struct{ name, payload, says string }{
		{"good", `{"name":"x","other":1}`, ""},
		{"null", `null`, ""},
		{"nothing", ``, "not JSON"},
		{"no JSON", `hunter2`, "not JSON from byte 1"},
		{"cut off", `{"name":"hunter2"`, "17 bytes"},
		{"a list", `["hunter2"]`, "of another type"},
		{"a text for a number", `{"list":[{"n":"hunter2"}]}`, `"list.N"`},
		{"a text for a time", `{"at":"hunter2"}`, "cannot be read"},
		{"a number for a text", `{"name":42424242}`, `"name"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := invocation.Decode([]byte(tt.payload), &event{})
			if tt.says == "" != (err == nil) {
				t.Fatalf("Decode = %v", err)
			}
			if err == nil {
				return
			}
			if s := err.Error(); strings.Contains(s, "hunter2") || strings.Contains(s, "42424242") {
				t.Errorf("the error repeats the payload: %s", s)
			}
			if !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(tt.says)) {
				t.Errorf("the error is %q, want it to say %q", err, tt.says)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{}`, `{"Name":"\ud800","List":[{"N":1e3}]}`, `[`, `{"At":"2026-11-21T12:00:00Z"}`, "\x00", `{"List":{"N":null}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var e struct {
			Name string
			At   time.Time
			List []struct{ N int }
		}
		err := invocation.Decode(b, &e)
		if !json.Valid(b) && err == nil {
			t.Errorf("Decode took %q", b)
		}
		if err != nil && len(err.Error()) > 300 {
			t.Errorf("the error has %d bytes", len(err.Error()))
		}
	})
}
