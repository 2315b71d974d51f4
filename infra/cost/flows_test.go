package cost

import (
	"net/http"
	"testing"
)

// flow is the way of one small upload from its announcement until everybody has heard of it.
type flow struct {
	name   string
	budget budget
	run    func(w *world)
}

// budget is the most that the requests of a flow may be, and the table's units: those of shared/DESIGN.md, "Cost of one small upload".
type budget struct {
	requests    int
	read, write float64
}

// photo is a name as cameras give them: four entries of the index.
const photo = "IMG_1234.png"

// flows end when the asset is ready and its event is on the bus; who wants it there comes on top.
var flows = []flow{
	{"bare: create, bytes, event", budget{9, 1, 3}, func(w *world) {
		w.send(w.create(photo, nil))
		w.takeObject()
	}},
	{"SDK, the event first: create, form, event, complete, one look", budget{17, 2, 4}, func(w *world) {
		a := w.create(photo, nil)
		w.send(a)
		w.takeObject()
		w.complete(idOf(a))
		w.retrieve(idOf(a))
	}},
	{"SDK, complete first: create, form, complete, event, one look", budget{17, 2, 4}, func(w *world) {
		a := w.create(photo, nil)
		w.send(a)
		w.complete(idOf(a))
		w.takeObject()
		w.retrieve(idOf(a))
	}},
	{"a file of 12 KB in the request", budget{9, 2, 4}, func(w *world) {
		w.direct(photo, padded(12<<10))
		w.takeObject()
	}},
}

func TestCostOfOneSmallUpload(t *testing.T) {
	eachDriver(t, func(t *testing.T, w *world) {
		for _, f := range flows {
			w.t = t
			u := w.measure(func() { f.run(w) }).plus(use{Events: 1})
			w.follow()
			if u.requests() > f.budget.requests || u.Read > f.budget.read || u.Write > f.budget.write {
				t.Errorf("%s costs %d requests, %v read and %v write units; the budget is %+v\n%v", f.name, u.requests(), u.Read, u.Write, f.budget, u)
			}
		}
	})
}

// TestCostOfAnIdempotencyKey holds what DESIGN.md says of it: what a request with a key costs beyond the same without one, and what a repeat
// costs.
func TestCostOfAnIdempotencyKey(t *testing.T) {
	eachDriver(t, func(t *testing.T, w *world) {
		project := func(headers ...string) {
			w.call(http.MethodPost, "/api/v1/projects", fields{"workspace_id": w.ws.String(), "name": "x"}, http.StatusCreated, headers...)
		}
		for _, tt := range []struct {
			name string
			do   func(headers ...string)
			more budget
		}{
			{"create", func(headers ...string) { w.create("a.png", nil, headers...) }, budget{1, 0, 1}},
			{"project", project, budget{2, 0, 2}},
		} {
			bare := w.measure(func() { tt.do() })
			more := w.measure(func() { tt.do("idempotency-key", "key of "+tt.name) }).minus(bare)
			if got := (budget{more.requests(), more.Read, more.Write}); got != tt.more {
				t.Errorf("%s with a key costs %+v more, want %+v", tt.name, got, tt.more)
			}
		}
		u := w.measure(func() {
			w.call(http.MethodPost, "/api/v1/projects", fields{"workspace_id": w.ws.String(), "name": "x"}, http.StatusConflict, "idempotency-key", "key of project")
		})
		if got, want := (budget{u.requests(), u.Read, u.Write}), (budget{3, 0, 1}); got != want {
			t.Errorf("a repeat costs %+v, want %+v: gateway, function, one write that does not hold", got, want)
		}
	})
}
