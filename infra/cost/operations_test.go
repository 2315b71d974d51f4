package cost

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// operation is a row of the table of prices: one thing that happens, and what it takes by itself, without what follows.
type operation struct {
	name string
	run  func(w *world) use
}

// requests are operations that a client asks for.
var requests = []operation{
	{"announce a file, signed form", func(w *world) use {
		return w.measure(func() { w.create("a.png", nil) })
	}},
	{"the same with an `Idempotency-Key`", func(w *world) use {
		return w.measure(func() { w.create("a.png", nil, "idempotency-key", "once") })
	}},
	{"the same key once more: 409", func(w *world) use {
		body := fields{"source": "signed-url", "workspace_id": w.ws.String(), "file_name": "a.png", "content_type": "image/png"}
		w.call(http.MethodPost, "/api/v1/assets", body, http.StatusCreated, "idempotency-key", "again")
		return w.measure(func() {
			w.call(http.MethodPost, "/api/v1/assets", body, http.StatusConflict, "idempotency-key", "again")
		})
	}},
	{"announce into a folder, by its name", func(w *world) use {
		w.folder("Campaign")
		return w.measure(func() { w.create("a.png", fields{"folder": "Campaign"}) })
	}},
	{"announce on a project", func(w *world) use {
		p := w.project("Campaign")
		return w.measure(func() { w.create("a.png", fields{"project_id": p}) })
	}},
	{"send a file of 12 KB in the request", func(w *world) use {
		return w.measure(func() { w.direct("direct.png", padded(12<<10)) })
	}},
	{"send a file of 4 MB in the request", func(w *world) use {
		return w.measure(func() { w.direct("direct.png", padded(4_000_000)) })
	}},
	{"announce by parts, 1,000 addresses", func(w *world) use {
		return w.measure(func() { w.announceParts(manyParts) })
	}},
	{"announce from an address", func(w *world) use {
		return w.measure(func() { w.announceImport() })
	}},
	{"complete a form", func(w *world) use {
		a := w.create("a.png", nil)
		w.send(a)
		return w.measure(func() { w.complete(idOf(a)) })
	}},
	{"complete after the object's event", func(w *world) use {
		a := w.upload("a.png")
		return w.measure(func() { w.complete(a) })
	}},
	{"complete 3 parts", func(w *world) use {
		a := w.announceParts(3 * partSize)
		w.sendParts(a, padded(3*partSize))
		return w.measure(func() { w.complete(idOf(a)) })
	}},
	{"the form once more", func(w *world) use {
		a := w.create("a.png", nil)
		return w.measure(func() { w.call(http.MethodPost, "/api/v1/assets/"+idOf(a)+"/upload", nil, http.StatusOK) })
	}},
	{"1,000 more addresses, within a minute", func(w *world) use {
		a := w.announceParts(manyParts)
		return w.measure(func() { w.addresses(idOf(a)) })
	}},
	{"1,000 more addresses, later", func(w *world) use {
		a := w.announceParts(manyParts)
		w.advance(2 * time.Minute)
		w.warm() // what was in the caches has ended
		return w.measure(func() { w.addresses(idOf(a)) })
	}},
	{"list 3 parts that arrived", func(w *world) use {
		a := w.announceParts(3 * partSize)
		w.sendParts(a, padded(3*partSize))
		return w.measure(func() { w.call(http.MethodGet, "/api/v1/assets/"+idOf(a)+"/parts", nil, http.StatusOK) })
	}},
	{"retrieve", func(w *world) use {
		a := w.upload("a.png")
		return w.measure(func() { w.retrieve(a) })
	}},
	{"list a page of 50", func(w *world) use {
		w.several("sun", 51)
		return w.measure(func() { w.list("limit=50", 50) })
	}},
	{"search, 3 hits", func(w *world) use {
		w.several("rarity.png", 3)
		return w.measure(func() { w.list("query=rarity", 3) })
	}},
	{"search, a page of 50 hits", func(w *world) use {
		return w.measure(func() { w.list("query=sun&limit=50", 50) }) // those of the page before
	}},
	{"change the name", func(w *world) use {
		a := w.upload("a.png")
		return w.measure(func() { w.call(http.MethodPatch, "/api/v1/assets/"+a, fields{"name": "b.png"}, http.StatusOK) })
	}},
	{"move into a folder, by its id", func(w *world) use {
		a, f := w.upload("a.png"), w.folder("Moved")
		return w.measure(func() { w.call(http.MethodPatch, "/api/v1/assets/"+a, fields{"folder": f}, http.StatusOK) })
	}},
	{"delete", func(w *world) use {
		a := w.upload("a.png")
		return w.measure(func() { w.delete("/api/v1/assets/" + a) })
	}},
	{"delete once more", func(w *world) use {
		a := w.upload("a.png")
		w.delete("/api/v1/assets/" + a)
		return w.measure(func() { w.delete("/api/v1/assets/" + a) })
	}},
	{"attach to a project", func(w *world) use {
		a, p := w.upload("a.png"), w.project("Attached")
		return w.measure(func() {
			w.call(http.MethodPost, "/api/v1/projects/"+p+"/assets/"+a+"/attach", nil, http.StatusOK)
		})
	}},
	{"retry an attempt that failed", func(w *world) use {
		a := w.rejected()
		return w.measure(func() { w.call(http.MethodPost, "/api/v1/assets/"+a+"/retry", nil, http.StatusOK) })
	}},
	{"content, with the bytes from the bucket", func(w *world) use {
		a := w.upload("a.png")
		return w.measure(func() {
			w.fetch(w.call(http.MethodGet, "/api/v1/assets/"+a+"/content", nil, http.StatusFound)["location"].(string))
		})
	}},
	{"open a link, with the bytes from the bucket", func(w *world) use {
		link := strings.TrimPrefix(w.retrieve(w.upload("a.png"))["url"].(string), w.services.PublicURL())
		return w.measure(func() { w.fetch(w.call(http.MethodGet, link, nil, http.StatusFound)["location"].(string)) })
	}},
	{"list workspaces", func(w *world) use {
		return w.measure(func() { w.call(http.MethodGet, "/api/v1/workspaces", nil, http.StatusOK) })
	}},
	{"create a project", func(w *world) use {
		return w.measure(func() { w.project("Created") })
	}},
	{"list projects", func(w *world) use {
		return w.measure(func() { w.call(http.MethodGet, "/api/v1/projects?workspace_id="+w.ws.String(), nil, http.StatusOK) })
	}},
	{"retrieve a project", func(w *world) use {
		p := w.project("Retrieved")
		return w.measure(func() { w.call(http.MethodGet, "/api/v1/projects/"+p, nil, http.StatusOK) })
	}},
	{"list 3 nodes of a project", func(w *world) use {
		p := w.project("Listed")
		for range 3 {
			a := w.create("a.png", fields{"project_id": p})
			w.send(a)
			w.follow()
		}
		return w.measure(func() { w.call(http.MethodGet, "/api/v1/projects/"+p+"/nodes", nil, http.StatusOK) })
	}},
	{"create a folder", func(w *world) use {
		return w.measure(func() { w.folder("Created") })
	}},
	{"put a text into a folder", func(w *world) use {
		f := w.folder("Filled")
		return w.measure(func() { w.item(f, fields{"type": "text", "text": "Warm light."}) })
	}},
	{"put a picture into a folder, from an address", func(w *world) use {
		f := w.folder("Pictures")
		return w.measure(func() { w.item(f, fields{"type": "image", "source": w.source.server.URL + "/a.png"}) })
	}},
	{"delete a folder with a text in it", func(w *world) use {
		f := w.folder("Deleted")
		w.item(f, fields{"type": "text", "text": "Cold light."})
		return w.measure(func() {
			w.call(http.MethodDelete, w.folders()+"/"+f+"?delete_items=true", nil, http.StatusOK)
		})
	}},
	{"create a webhook", func(w *world) use {
		var hook string
		u := w.measure(func() { hook = w.webhook() })
		w.unhook(hook)
		return u
	}},
	{"list webhooks", func(w *world) use {
		return w.hooked(func(string) { w.call(http.MethodGet, w.hooks(), nil, http.StatusOK) })
	}},
	{"retrieve a webhook", func(w *world) use {
		return w.hooked(func(hook string) { w.call(http.MethodGet, hook, nil, http.StatusOK) })
	}},
	{"change a webhook", func(w *world) use {
		return w.hooked(func(hook string) { w.call(http.MethodPatch, hook, fields{"enabled": false}, http.StatusOK) })
	}},
	{"rotate a webhook's secret", func(w *world) use {
		return w.hooked(func(hook string) { w.call(http.MethodPost, hook+"/rotate-secret", nil, http.StatusOK) })
	}},
	{"try a webhook out", func(w *world) use {
		return w.hooked(func(hook string) { w.call(http.MethodPost, hook+"/test", nil, http.StatusOK) })
	}},
	{"list 3 deliveries", func(w *world) use {
		return w.hooked(func(hook string) { w.call(http.MethodGet, hook+"/deliveries", nil, http.StatusOK) }, 3)
	}},
	{"replay a delivery", func(w *world) use {
		return w.hooked(func(hook string) {
			w.call(http.MethodPost, hook+"/deliveries/"+w.delivered+"/replay", nil, http.StatusOK)
		}, 1)
	}},
	{"delete a webhook", func(w *world) use {
		return w.hooked(func(hook string) { w.call(http.MethodDelete, hook, nil, http.StatusOK) })
	}},
	{"the API's document", func(w *world) use {
		return w.measure(func() { w.call(http.MethodGet, "/api/v1/openapi.json", nil, http.StatusOK) })
	}},
	{"which build answers", func(w *world) use {
		return w.measure(func() { w.call(http.MethodGet, "/health", nil, http.StatusOK) })
	}},
	{"a path that does not exist: 404", func(w *world) use {
		return w.measure(func() { w.call(http.MethodGet, "/api/v2/assets", nil, http.StatusNotFound) })
	}},
}

// sweptForm is the name of the sweeper's visit, which belongs to every upload.
const sweptForm = "the sweeper visits an asset that came by form"

// consequences are operations that follow from others.
var consequences = []operation{
	{"the bytes of a form arrived", func(w *world) use {
		w.send(w.create("a.png", nil))
		return w.measure(func() { w.takeObject() })
	}},
	{"the same after a complete", func(w *world) use {
		a := w.create("a.png", nil)
		w.send(a)
		w.complete(idOf(a))
		return w.measure(func() { w.takeObject() })
	}},
	{"the bytes were no good", func(w *world) use {
		w.sendBytes(w.create("a.png", nil), []byte("this is no picture"))
		return w.measure(func() { w.takeObject() })
	}},
	{"a new asset is indexed, 4 entries", func(w *world) use {
		w.create("IMG_1234.jpg", nil)
		return w.measure(w.follow)
	}},
	{"a new asset is indexed, 16 entries", func(w *world) use {
		w.create("Sommerferien Lissabon Freunde Aussicht", nil)
		return w.measure(w.follow)
	}},
	{"an asset got ready, no webhook", func(w *world) use {
		return w.measured(func() { w.send(w.pending()); w.takeObject() })
	}},
	{"an asset got ready, one webhook takes it", func(w *world) use {
		hook := w.webhook()
		u := w.measured(func() { w.send(w.pending()); w.takeObject() })
		w.unhook(hook)
		return u
	}},
	{"an asset got ready, one webhook does not take it", func(w *world) use {
		hook := w.webhook()
		w.receiver.status.Store(http.StatusServiceUnavailable)
		u := w.measured(func() { w.send(w.pending()); w.takeObject() })
		w.receiver.status.Store(http.StatusOK)
		w.unhook(hook)
		return u
	}},
	{"a delivery is tried again and taken", func(w *world) use {
		hook := w.webhook()
		w.receiver.status.Store(http.StatusServiceUnavailable)
		w.upload("a.png")
		w.receiver.status.Store(http.StatusOK)
		idle := w.measure(w.retries)
		w.advance(2 * time.Minute)
		due := w.measure(w.retries)
		w.unhook(hook)
		return due.minus(idle).plus(use{Functions: map[string]int{"webhook-retries": 1}})
	}},
	{"a deleted asset is cleaned up, one version, 4 entries", func(w *world) use {
		a := w.upload("IMG_1234.jpg")
		return w.measured(func() { w.delete("/api/v1/assets/" + a) })
	}},
	{"a rejected asset is cleaned up", func(w *world) use {
		a := w.pending()
		return w.measured(func() {
			w.sendBytes(a, []byte("this is no picture"))
			w.takeObject()
		})
	}},
	{"a name was changed, 4 entries to 4 others", func(w *world) use {
		a := w.upload("IMG_1234.jpg")
		return w.measured(func() { w.call(http.MethodPatch, "/api/v1/assets/"+a, fields{"name": "DSC_5678.jpg"}, http.StatusOK) })
	}},
	{"a file is copied from an address", func(w *world) use {
		return w.measured(func() { w.announceImport() })
	}},
	{sweptForm, func(w *world) use {
		return w.swept(func(w *world) { w.upload("a.png") })
	}},
	{"the sweeper ends an upload that never came", func(w *world) use {
		return w.swept(func(w *world) { w.pending() })
	}},
}

// schedules are what runs by the clock, whether or not there is anything to do, and how often in a month of 30 days.
var schedules = []struct {
	operation
	times float64
}{
	{operation{"the sweeper finds nothing", func(w *world) use {
		w = w.sweeping()
		w.toHalfPast()
		w.sweep()
		return w.measure(w.sweep)
	}}, 30 * 24 * 12},
	{operation{"no delivery is due", func(w *world) use { return w.measure(w.retries) }}, 30 * 24 * 60},
	{operation{"no order is due", func(w *world) use { return w.measure(w.visitOrders) }}, 30 * 24 * 60},
}

// partSize is the least part, and manyParts a file of 1,001 of them: one more than a page of addresses.
const (
	partSize  = 5 << 20
	manyParts = 1001 * partSize
)

// padded is a picture of a size: what follows its end is ignored.
func padded(size int) []byte {
	return append(slices.Clone(picture), make([]byte, size-len(picture))...)
}

func (w *world) announceParts(size int) fields {
	w.t.Helper()
	return w.create("large.png", fields{"source": "multipart", "size_bytes": size, "part_size": partSize})
}

// addresses asks for the second page of addresses of parts.
func (w *world) addresses(asset string) {
	w.t.Helper()
	w.call(http.MethodPost, "/api/v1/assets/"+asset+"/parts", fields{"cursor": "1001"}, http.StatusOK)
}

func (w *world) announceImport() fields {
	w.t.Helper()
	return w.call(http.MethodPost, "/api/v1/assets", fields{
		"source": w.source.server.URL + "/a.png", "workspace_id": w.ws.String(), "file_name": "imported.png",
	}, http.StatusCreated)
}

// pending is an announced asset, with all that followed.
func (w *world) pending() fields {
	w.t.Helper()
	a := w.create("a.png", nil)
	w.follow()
	return a
}

// measured is what follows from f, without f itself.
func (w *world) measured(f func()) use {
	w.t.Helper()
	w.follow()
	f()
	return w.measure(w.follow)
}

// several makes assets that are ready, a millisecond apart and with nothing between them: one by its upload, the others as copies of its row.
func (w *world) several(name string, n int) {
	w.t.Helper()
	first, err := id.ParseAsset(strings.TrimPrefix(w.upload(name), "asset_"))
	w.must(err)
	a, err := w.services.assets.Find(w.t.Context(), w.ws, first)
	w.must(err)
	for i := range n - 1 {
		a.ID = id.NewAsset(w.ws, w.at.Add(time.Duration(i+1)*time.Millisecond))
		_, err := w.tables.rows.Write(w.t.Context(), table.Put(a.Row(), table.Absent()))
		w.must(err)
	}
	w.read = -1 // there is something to read that was not counted
	w.follow()
	w.advance(time.Minute) // a search reads what is newer than ten seconds as rows
	w.warm()
}

// list wants a page of so many assets.
func (w *world) list(query string, want int) {
	w.t.Helper()
	got := w.call(http.MethodGet, "/api/v1/assets?workspace_id="+w.ws.String()+"&"+query, nil, http.StatusOK)
	if n := len(got["assets"].([]any)); n != want {
		w.t.Fatalf("the page for %s has %d assets, want %d", query, n, want)
	}
}

func (w *world) delete(path string) {
	w.t.Helper()
	w.call(http.MethodDelete, path, nil, http.StatusNoContent)
}

func (w *world) project(name string) string {
	w.t.Helper()
	p := w.call(http.MethodPost, "/api/v1/projects", fields{"workspace_id": w.ws.String(), "name": name}, http.StatusCreated)
	return p["project_id"].(string)
}

func (w *world) folders() string { return "/api/v1/workspaces/" + w.ws.String() + "/library/folders" }

func (w *world) folder(name string) string {
	w.t.Helper()
	return w.call(http.MethodPost, w.folders(), fields{"name": name}, http.StatusCreated)["folder_id"].(string)
}

func (w *world) item(folder string, item fields) {
	w.t.Helper()
	w.call(http.MethodPost, w.folders()+"/"+folder+"/items", item, http.StatusCreated)
}

// rejected is an asset whose bytes were no good.
func (w *world) rejected() string {
	w.t.Helper()
	a := w.create("a.png", nil)
	w.sendBytes(a, []byte("this is no picture"))
	w.follow()
	return idOf(a)
}

func (w *world) hooks() string { return "/api/v1/workspaces/" + w.ws.String() + "/webhooks" }

// webhook makes a webhook at the receiver, and gives its path.
func (w *world) webhook() string {
	w.t.Helper()
	made := w.call(http.MethodPost, w.hooks(), fields{"url": w.receiver.server.URL + "/in"}, http.StatusCreated)
	return w.hooks() + "/" + made["webhook_id"].(string)
}

// unhook removes a webhook, with what follows.
func (w *world) unhook(hook string) {
	w.t.Helper()
	w.call(http.MethodDelete, hook, nil, http.StatusOK)
	w.follow()
}

// hooked measures f while there is a webhook that took some deliveries.
func (w *world) hooked(f func(hook string), deliveries ...int) use {
	w.t.Helper()
	hook := w.webhook()
	for _, n := range deliveries {
		for range n {
			w.upload("a.png")
		}
		list := w.call(http.MethodGet, hook+"/deliveries", nil, http.StatusOK)["deliveries"].([]any)
		w.delivered = list[0].(fields)["delivery_id"].(string)
	}
	u := w.measure(func() { f(hook) })
	if got := w.call(http.MethodGet, w.hooks(), nil, http.StatusOK)["webhooks"].([]any); len(got) > 0 {
		w.unhook(hook)
	}
	return u
}

// The sizes of two sweeps. What the larger takes beyond the smaller is for its assets; all else in a sweep is for any number of them.
const (
	fewSwept  = 2
	manySwept = 12
)

// swept is what the sweeper takes for one asset.
func (w *world) swept(prepare func(*world)) use {
	w.t.Helper()
	visit := func(n int) use {
		in := w.sweeping()
		for range n {
			prepare(in)
		}
		in.toHalfPast()
		return in.measure(in.sweep)
	}
	return visit(manySwept).minus(visit(fewSwept)).share(manySwept - fewSwept)
}

// sweeping is another installation, whose sweeper is done with everything up to this hour.
func (w *world) sweeping() *world {
	w.t.Helper()
	w = newWorld(w.t, w.open)
	k := schema.SweepKey()
	_, err := w.tables.rows.Write(w.t.Context(), table.Put(table.Item{
		table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK), schema.Hour: table.String(w.at.Format(schema.HourFormat)),
	}, table.Absent()))
	w.must(err)
	return w
}

// toHalfPast moves the clock to two hours and a half after the hour: then assets of that hour are due, and how many hours the sweeper looks at
// does not depend on when the test runs.
func (w *world) toHalfPast() {
	w.advance(w.at.Truncate(time.Hour).Add(2*time.Hour + 30*time.Minute).Sub(w.at))
}

// share is the n-th part of what was done n times, in whole requests.
func (u use) share(n int) use {
	s := use{
		Functions: map[string]int{}, API: u.API / n, Table: u.Table / n, Read: u.Read / float64(n), Write: u.Write / float64(n),
		Puts: u.Puts / n, Gets: u.Gets / n, Free: u.Free / n, Events: u.Events / n, Queue: u.Queue / n, Outside: u.Outside / n,
		GBSeconds: u.GBSeconds / float64(n),
	}
	for name, times := range u.Functions {
		s.Functions[name] = times / n
	}
	return s
}
