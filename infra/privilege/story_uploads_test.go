package privilege_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/assetry/assetry/shared/id"
)

// tellForm is an upload by form, its content and its link; then the form is used again, and again while a completion is under way.
func tellForm(t *testing.T, w *world) {
	a := w.create(t)
	asset := "/assets/" + a.text(t, "asset_id")
	w.send(t, w.once(t, asset+"/upload", nil), picture(0)) // the form of a second grant
	w.refused(t, "/assets/asset_019bc186-de00-7000-8000-01a15eed0001/upload", nil)
	ready := w.once(t, asset+"/complete", nil)
	w.refused(t, "/assets/asset_019bc186-de00-7000-8000-01a15eed0001/complete", nil)
	w.fetch(t, "GET", w.api+"/api/v1"+asset+"/content")
	w.fetch(t, "GET", ready.text(t, "url"))
	w.fetch(t, "HEAD", ready.text(t, "url"))
	w.deliver(t)
	w.send(t, a, picture(10))
	w.uses(t, "on-object-created", "s3:DeleteObjectVersion")

	b := w.create(t)
	w.send(t, b, picture(0))
	w.takeObjects() // the news of the first bytes is late
	g, letGo := w.gates.hold(t, "assets-complete", operation("UpdateItem", "ready"))
	done := w.inBackground("POST", "/assets/"+b.text(t, "asset_id")+"/complete", nil)
	g.await(t)
	w.send(t, b, picture(10))
	w.until(t, "the second bytes have settled it", func() bool { return w.status(t, b.text(t, "asset_id")) == "ready" })
	letGo()
	done(t)
	w.uses(t, "assets-complete", "s3:DeleteObjectVersion")
}

// fetch follows an address with the key.
func (w *world) fetch(t *testing.T, method, address string) {
	t.Helper()
	req, err := http.NewRequest(method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(address, w.api+"/api/") {
		req.Header.Set("Authorization", "Bearer "+w.key)
	}
	res, err := http.DefaultClient.Do(req) // which takes the key to no other host
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("%s %s = %d", method, address, res.StatusCode)
	}
}

// inBackground begins a request. What it gives waits for the answer.
func (w *world) inBackground(method, path string, body any, header ...string) func(*testing.T) answer {
	type outcome struct {
		answer
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		a, err := w.try(method, path, body, header...)
		done <- outcome{a, err}
	}()
	return func(t *testing.T) answer {
		t.Helper()
		o := <-done
		if o.err != nil {
			t.Fatal(o.err)
		}
		return o.answer
	}
}

// direct is the body that creates an asset from bytes.
func (w *world) direct(file []byte, kind string) sent {
	return formOf(m{"workspace_id": w.workspace.String(), "content_type": kind}, file)
}

// tellDirect brings bytes in the request. The answer of the bucket is lost, so that the second try finds that they are there, and reads what they
// are: of some from the beginning only, of others further on too.
func tellDirect(t *testing.T, w *world) {
	w.once(t, "/assets", w.direct(picture(0), "image/png"))
	w.refused(t, "/assets", w.direct([]byte("no picture"), "image/png"))
	for kind, file := range map[string][]byte{"image/png": picture(0), "image/jpeg": photo()} {
		w.gates.lose("assets-create", object("PUT", ""))
		if a := w.must(t, "POST", "/assets", w.direct(file, kind)); a.text(t, "status") != "ready" {
			t.Errorf("%s = %v, want it ready", kind, a.JSON)
		}
	}
	w.uses(t, "assets-create", "s3:GetObject", "s3:GetObjectVersion")
}

// tellOvertaken holds a direct upload's bytes back until the sweeper has given it up and the client has retried it: they are removed.
func tellOvertaken(t *testing.T, w *world) {
	g, letGo := w.gates.hold(t, "assets-create", object("PUT", ""))
	done := w.inBackground("POST", "/assets", w.direct(picture(0), "image/png"))
	g.await(t)
	asset := w.newest(t)
	w.expire(t, asset)
	w.must(t, "POST", "/assets/"+asset+"/retry", nil)
	letGo()
	done(t)
	w.uses(t, "assets-create", "s3:DeleteObjectVersion")
}

// newest is the asset that was announced last.
func (w *world) newest(t *testing.T) string {
	t.Helper()
	list := w.must(t, "GET", "/assets?limit=1&workspace_id="+w.workspace.String(), nil)
	for _, name := range []string{"assets", "data", "items"} {
		if rows, ok := list.JSON[name].([]any); ok && len(rows) > 0 {
			return fmt.Sprint(rows[0].(m)["asset_id"])
		}
	}
	t.Fatalf("the list has no asset: %v", list.JSON)
	return ""
}

// expire gives a pending asset up, as the sweeper does when its time has passed.
func (w *world) expire(t *testing.T, asset string) {
	t.Helper()
	s := w.domain(later(-past))
	a, err := s.assets.Find(t.Context(), w.workspace, parse(t, asset))
	if err == nil {
		a, err = s.uploads.Expire(t.Context(), a)
	}
	if err != nil || a.State != "failed" {
		t.Fatalf("Expire(%s) = %+v, %v", asset, a, err)
	}
}

func parse(t *testing.T, asset string) id.Asset {
	t.Helper()
	a, err := id.ParseAsset(strings.TrimPrefix(asset, "asset_"))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// tellRunAgain lets the table refuse the row of a new asset, and sends the same request again: it has to look whether the asset was deleted since.
func tellRunAgain(t *testing.T, w *world) {
	key, body := uuid.NewString(), m{"source": "signed-url", "workspace_id": w.workspace.String(), "file_name": "again.png", "content_type": "image/png"}
	takeAway := w.gates.fail("assets-create", http.StatusInternalServerError, operation("PutItem", "again.png"))
	if a := w.ask(t, "POST", "/assets", body, "Idempotency-Key", key); a.Status/100 != 5 {
		t.Errorf("without a table the answer was %d %v", a.Status, a.JSON)
	}
	takeAway()
	w.must(t, "POST", "/assets", body, "Idempotency-Key", key)
	w.uses(t, "assets-create", "dynamodb:ConditionCheckItem")
}

// tellParts is an upload by parts with a checksum.
func tellParts(t *testing.T, w *world) {
	file := picture(partSize + 1000)
	body := w.createParts()
	body["checksum_algorithm"] = "CRC64NVME"
	a := w.must(t, "POST", "/assets", body)
	asset := "/assets/" + a.text(t, "asset_id")
	w.sendParts(t, a, file)
	w.sendParts(t, w.once(t, asset+"/parts", m{"part_numbers": []int{1, 2}}), file)
	w.refused(t, asset+"/parts", m{"part_numbers": []int{7}})
	w.must(t, "GET", asset+"/parts", nil)
	if a := w.must(t, "POST", asset+"/complete", nil); a.text(t, "status") != "ready" {
		t.Errorf("completed: %v", a.JSON)
	}
	w.uses(t, "assets-complete", "s3:ListMultipartUploadParts", "s3:PutObject", "s3:GetObjectVersion")
}

// tellPartsAtOnce lets a create, and then a retry, begin parts while others do: who is later drops its own.
func tellPartsAtOnce(t *testing.T, w *world) {
	starts := object("POST", "uploads")
	created, letCreate := w.gates.hold(t, "assets-create", starts)
	create := w.inBackground("POST", "/assets", w.createParts())
	created.await(t)
	asset := w.newest(t)
	signed, letSign := w.gates.hold(t, "assets-parts-sign", starts)
	sign := w.inBackground("POST", "/assets/"+asset+"/parts", m{})
	signed.await(t)
	w.must(t, "POST", "/assets/"+asset+"/parts", m{})
	letSign()
	letCreate()
	sign(t)
	create(t)
	w.uses(t, "assets-parts-sign", "s3:AbortMultipartUpload")
	w.uses(t, "assets-create", "s3:AbortMultipartUpload")

	w.expire(t, asset)
	retried, letRetry := w.gates.hold(t, "assets-retry", starts)
	retry := w.inBackground("POST", "/assets/"+asset+"/retry", nil)
	retried.await(t)
	w.must(t, "POST", "/assets/"+asset+"/parts", m{})
	letRetry()
	retry(t)
	w.uses(t, "assets-retry", "s3:AbortMultipartUpload")
}

// tellRetries fails a file and sends a better one; a retry of what is ready is refused.
func tellRetries(t *testing.T, w *world) {
	a := w.create(t)
	asset := a.text(t, "asset_id")
	w.send(t, a, []byte("no picture"))
	w.until(t, "it is rejected", func() bool { return w.status(t, asset) == "failed" })
	w.send(t, w.once(t, "/assets/"+asset+"/retry", nil), picture(0))
	w.until(t, "it is ready", func() bool { return w.status(t, asset) == "ready" })
	w.refused(t, "/assets/"+asset+"/retry", nil)
	w.uses(t, "assets-retry", "s3:PutObject", "dynamodb:UpdateItem", "dynamodb:DeleteItem")
}

// tellCleanUp deletes an asset by form that is on a project, one by parts that is not complete, and gives one up.
func tellCleanUp(t *testing.T, w *world) {
	project := w.must(t, "POST", "/projects", m{"workspace_id": w.workspace.String(), "name": "Autumn"}).text(t, "project_id")
	a := w.create(t, m{"project_id": project})
	w.send(t, a, picture(0))
	w.deliver(t)
	w.must(t, "DELETE", "/assets/"+a.text(t, "asset_id"), nil)
	parts := w.must(t, "POST", "/assets", w.createParts())
	w.must(t, "DELETE", "/assets/"+parts.text(t, "asset_id"), nil)
	w.uses(t, "stream-cleanup", "s3:DeleteObjectVersion", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads", "s3:AbortMultipartUpload",
		"dynamodb:Query", "dynamodb:PutItem", "dynamodb:DeleteItem")
}

// tellLateEvents tells of bytes whose asset is deleted, and of bytes without a version, as a bucket does that was made before its versioning.
func tellLateEvents(t *testing.T, w *world) {
	a := w.create(t)
	w.send(t, a, picture(0))
	late := w.takeObjects()
	w.must(t, "DELETE", "/assets/"+a.text(t, "asset_id"), nil)
	for _, e := range late {
		w.objectCreated(t, e)
	}
	b := w.create(t)
	w.send(t, b, picture(0))
	for _, e := range w.takeObjects() {
		e.Version = ""
		w.objectCreated(t, e)
	}
	w.uses(t, "on-object-created", "dynamodb:GetItem", "s3:GetObject", "s3:GetObjectVersion", "dynamodb:UpdateItem")
}
