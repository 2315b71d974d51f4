package fault_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/fault"
)

func TestKindOf(t *testing.T) {
	inner := fault.New(fault.NotFound, "no asset")
	for _, tt := range []struct {
		name string
		err  error
		want fault.Kind
	}{
		{"a plain error is internal", errors.New("x"), fault.Internal},
		{"a fault has its kind", inner, fault.NotFound},
		{"a wrapped fault has its kind", fmt.Errorf("read: %w", inner), fault.NotFound},
		{"the outermost of two faults counts", fault.Wrap(inner, fault.Conflict, "busy"), fault.Conflict},
		{"a joined fault is found", errors.Join(errors.New("x"), inner), fault.NotFound},
		{"the zero fault is internal", &fault.Error{}, fault.Internal},
		{"a bad field is invalid", fault.BadField("limit", "is 0"), fault.Invalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := fault.KindOf(tt.err); got != tt.want {
				t.Errorf("KindOf(%v) = %v, want %v", tt.err, got, tt.want)
			}
			for k := fault.Internal; k <= fault.Unavailable; k++ {
				if got := fault.Is(tt.err, k); got != (k == tt.want) {
					t.Errorf("Is(%v, %v) = %v", tt.err, k, got)
				}
			}
		})
	}
}

func TestIsOfNilIsNoKind(t *testing.T) {
	for k := fault.Internal; k <= fault.Unavailable; k++ {
		if fault.Is(nil, k) {
			t.Errorf("Is(nil, %v) = true", k)
		}
	}
}

func TestErrorTellsTheLogEverything(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"kind and message", fault.New(fault.Forbidden, "role %s may not", "viewer"), "forbidden: role viewer may not"},
		{"the cause", fault.Wrap(errors.New("EOF"), fault.Unavailable, "repeat"), "unavailable: repeat: EOF"},
		{"the field", fault.BadField("limit", "is %d; send 1 to %d", 0, 100), "invalid: limit: is 0; send 1 to 100; limit: is 0; send 1 to 100"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.err.Error(); got != tt.want {
				t.Errorf("Error() = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestWrapKeepsTheCauseFromClients(t *testing.T) {
	cause := errors.New("dial tcp 10.0.0.1")
	err := fault.Wrap(cause, fault.Unavailable, "The table did not answer; repeat.")
	if !errors.Is(err, cause) {
		t.Error("the cause is not in the chain")
	}
	if err.Message != "The table did not answer; repeat." {
		t.Errorf("Message = %q, want it without the cause", err.Message)
	}
}

func TestBadFieldsNamesEveryField(t *testing.T) {
	if err := fault.BadFields(nil); err != nil {
		t.Errorf("BadFields of none = %v, want a nil error", err)
	}
	fields := []fault.Field{{Name: "limit", Message: "is 0"}, {Name: "cursor", Message: "is not ours"}}
	got := fault.BadFields(fields)
	want := &fault.Error{Kind: fault.Invalid, Message: "limit: is 0; cursor: is not ours", Fields: fields}
	if diff := cmp.Diff(error(want), got); diff != "" {
		t.Errorf("BadFields (-want +got):\n%s", diff)
	}
	if one := fault.BadField("limit", "is 0"); one.Message != "limit: is 0" || len(one.Fields) != 1 {
		t.Errorf("BadField = %v, want its name in the message and one field", one)
	}
}

func TestEveryKindHasItsOwnName(t *testing.T) {
	seen := map[string]fault.Kind{}
	for k := fault.Internal; k <= fault.Unavailable; k++ {
		name := k.String()
		if other, ok := seen[name]; ok || name == "" || name == "unknown" {
			t.Errorf("kind %d is called %q, as is %d", k, name, other)
		}
		seen[name] = k
	}
	if got := fault.Kind(200).String(); got != "unknown" {
		t.Errorf("a kind that does not exist is called %q, want unknown", got)
	}
}

func TestFieldsOf(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want []fault.Field
	}{
		"nil refuses nothing":                 {nil, nil},
		"another error refuses nothing":       {errors.New("broken"), nil},
		"a fault without fields refuses none": {fault.New(fault.Conflict, "taken"), nil},
		"a bad field is found, also when wrapped": {
			fmt.Errorf("create: %w", fault.BadField("name", "is empty")), []fault.Field{{Name: "name", Message: "is empty"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := fault.FieldsOf(c.err); !slices.Equal(got, c.want) {
				t.Errorf("FieldsOf(%v) = %v, want %v", c.err, got, c.want)
			}
		})
	}
}
