package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// TestMain lets this program be the function that the host runs, as bench itself does.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == createCommand {
		serveCreate(os.Args[2])
		return
	}
	os.Exit(m.Run())
}

func openHost(t *testing.T) *host {
	t.Helper()
	h, err := newHost(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func TestHostRunsAFunctionAndBringsItsAnswers(t *testing.T) {
	h := openHost(t)
	b := &bench{dir: t.TempDir()}
	s, stop, err := b.throughHost(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	ids := map[string]bool{}
	for range 3 {
		answer, took, err := s.create(s.event)
		if err != nil {
			t.Fatal(err)
		}
		var out events.APIGatewayV2HTTPResponse
		var a created
		if err := json.Unmarshal(answer, &out); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(out.Body), &a); err != nil || out.StatusCode != http.StatusCreated || took <= 0 {
			t.Fatalf("create answered %d %s after %v, %v", out.StatusCode, out.Body, took, err)
		}
		ids[a.ID] = true
	}
	if len(ids) != 3 {
		t.Errorf("three creates made the assets %v", ids)
	}
	if _, _, err := s.create([]byte("this is no event")); err == nil || !strings.Contains(err.Error(), "failed") {
		t.Errorf("an event that is none gives %v, want the function's failure", err)
	}
}

func TestHostMeasuresAStart(t *testing.T) {
	h := openHost(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second proves that the first has left nothing behind
		f, err := h.start(t.Context(), self, createCommand, filepath.Join(t.TempDir(), "table.db"))
		if err != nil {
			t.Fatal(err)
		}
		f.stop()
		if f.took <= 0 || f.took > startLimit {
			t.Errorf("the start took %v", f.took)
		}
	}
}

func TestFunctionThatEndsIsReportedWithWhatItWrote(t *testing.T) {
	h := openHost(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(t.TempDir(), "no such folder", "table.db")
	if _, err := h.start(t.Context(), self, createCommand, missing); err == nil || !strings.Contains(err.Error(), "no such folder") {
		t.Errorf("start = %v, want an error with what the function wrote", err)
	}
}
