package lambdahost

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestLimitsOfSize(t *testing.T) {
	w := newWorld(t, Options{}, Function{})
	frame := len(`{"do":"read","text":""}`)
	text := strings.Repeat("a", MaxPayload-frame)
	if got := do[int](t, w, `{"do":"read","text":"`+text+`"}`); got != len(text) {
		t.Errorf("it read %d bytes of %d", got, len(text))
	}
	if _, err := w.Invoke(t.Context(), "f", []byte(`{"do":"read","text":"`+text+`a"}`)); !errors.Is(err, ErrPayloadTooLarge) {
		t.Errorf("one byte more: %v, want ErrPayloadTooLarge", err)
	}
	if got := do[string](t, w, fmt.Sprintf(`{"do":"large","size":%d}`, MaxAnswer-2)); len(got) != MaxAnswer-2 {
		t.Errorf("the largest answer has %d bytes", len(got))
	}
	_, err := w.Invoke(t.Context(), "f", fmt.Appendf(nil, `{"do":"large","size":%d}`, MaxAnswer-1))
	if want := fmt.Sprintf("it has %d bytes", MaxAnswer+1); !errors.Is(err, ErrAnswerTooLarge) || !strings.Contains(err.Error(), want) {
		t.Errorf("one byte more: %v, want ErrAnswerTooLarge with %q", err, want)
	}
	if got := do[string](t, w, `{"do":"echo","text":"on"}`); got != "on" {
		t.Errorf("the answer after that is %q", got)
	}
}

func TestAnAnswerThatFailsHalfWayIsAnError(t *testing.T) {
	w := newWorld(t, Options{}, Function{})
	_, err := w.Invoke(t.Context(), "f", []byte(`{"do": "stream", "size": 100000}`))
	if f := wantFunctionError(t, err); f.Type != "failure" || f.Message != "the source dried up" {
		t.Errorf("the error is %+v", f)
	}
}

func TestOutputIsPassedOnInLines(t *testing.T) {
	r, pipe, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, Options{Output: pipe}, Function{Concurrency: 1})
	do[any](t, w, `{"do": "write", "text": "a\n\nb"}`)
	if _, err := w.Invoke(t.Context(), "f", []byte(`{"do": "exit", "size": 1}`)); err == nil {
		t.Error("it did not exit")
	}
	s := bufio.NewScanner(r)
	for _, want := range []string{"f: init", "f: a", "f: ", "f: blast words", `f: {"time":`} {
		if !s.Scan() || !strings.HasPrefix(s.Text(), want) {
			t.Errorf("a line is %q, want %q", s.Text(), want)
		}
	}
}

func TestALineWithoutEndIsPassedOnInPieces(t *testing.T) {
	var j journal
	l := lines{function: "f", out: &output{each: j.add}}
	for _, s := range []string{strings.Repeat("a", maxLine-1), "bc", "d\ne"} {
		if n, err := l.Write([]byte(s)); n != len(s) || err != nil {
			t.Errorf("Write = %d, %v", n, err)
		}
	}
	l.flush()
	l.flush()
	want := []string{"f: " + strings.Repeat("a", maxLine-1) + "b", "f: cd", "f: e"}
	if !slices.Equal(j.lines, want) {
		t.Errorf("%d lines, want %d", len(j.lines), len(want))
	}
}
