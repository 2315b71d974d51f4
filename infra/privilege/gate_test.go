package privilege_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assetry/assetry/infra/identity"
)

// gate waits for one request of a function to an engine, and decides what becomes of it.
type gate struct {
	function string
	wants    func(r *http.Request, body string) bool

	reached chan struct{} // closed when the request has come
	opened  chan struct{} // the request waits until this is closed
	loses   bool          // the engine is asked, and its answer never arrives
	fails   int           // answer this status and do not ask the engine, every time; 0 asks it
}

// gates stand before an engine.
type gates struct {
	mu    sync.Mutex
	armed []*gate
}

// hold makes a request wait before the engine until it is let go.
func (gs *gates) hold(t *testing.T, function string, wants func(*http.Request, string) bool) (g *gate, letGo func()) {
	t.Helper()
	g = &gate{function: function, wants: wants, reached: make(chan struct{}), opened: make(chan struct{})}
	gs.arm(g)
	var once sync.Once
	letGo = func() { once.Do(func() { close(g.opened) }) }
	t.Cleanup(letGo)
	return g, letGo
}

// lose lets the engine do what a request asks, and breaks the connection in place of the answer.
func (gs *gates) lose(function string, wants func(*http.Request, string) bool) {
	g := &gate{function: function, wants: wants, reached: make(chan struct{}), opened: make(chan struct{}), loses: true}
	close(g.opened)
	gs.arm(g)
}

// fail answers for the engine, until it is taken away.
func (gs *gates) fail(function string, status int, wants func(*http.Request, string) bool) (takeAway func()) {
	g := &gate{function: function, wants: wants, fails: status}
	gs.arm(g)
	return func() {
		gs.mu.Lock()
		defer gs.mu.Unlock()
		gs.drop(g)
	}
}

func (gs *gates) arm(g *gate) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	gs.armed = append(gs.armed, g)
}

func (gs *gates) drop(g *gate) {
	for i, a := range gs.armed {
		if a == g {
			gs.armed = append(gs.armed[:i:i], gs.armed[i+1:]...)
			return
		}
	}
}

// take finds the gate for a request. One that does not fail everything serves once.
func (gs *gates) take(r *http.Request, body string) *gate {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	for _, g := range gs.armed {
		signed := r.Header.Get("Authorization") + r.URL.Query().Get("X-Amz-Credential")
		if strings.Contains(signed, identity.AccessKey(g.function)+"/") && g.wants(r, body) {
			if g.fails == 0 {
				gs.drop(g)
			}
			return g
		}
	}
	return nil
}

// guard puts the gates before an engine.
func (gs *gates) guard(engine http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := ""
		if r.Header.Get("X-Amz-Target") != "" {
			b, _ := io.ReadAll(r.Body)
			body, r.Body = string(b), io.NopCloser(bytes.NewReader(b))
		}
		g := gs.take(r, body)
		switch {
		case g == nil:
			engine.ServeHTTP(w, r)
		case g.fails != 0:
			w.WriteHeader(g.fails)
		default:
			close(g.reached)
			<-g.opened
			if g.loses {
				engine.ServeHTTP(httptest.NewRecorder(), r)
				panic(http.ErrAbortHandler)
			}
			engine.ServeHTTP(w, r)
		}
	})
}

// await fails unless a gate is reached within the time of a function.
func (g *gate) await(t *testing.T) {
	t.Helper()
	select {
	case <-g.reached:
	case <-time.After(patience):
		t.Fatalf("no such request of %s came", g.function)
	}
}

// operation wants requests of an operation of DynamoDB whose body has a text.
func operation(name, text string) func(*http.Request, string) bool {
	return func(r *http.Request, body string) bool {
		return strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+name) && strings.Contains(body, text)
	}
}

// object wants requests on an object, with or without a part of the query.
func object(method, query string) func(*http.Request, string) bool {
	return func(r *http.Request, _ string) bool {
		return r.Method == method && (query == "" && !r.URL.Query().Has("uploadId") || query != "" && r.URL.Query().Has(query))
	}
}
