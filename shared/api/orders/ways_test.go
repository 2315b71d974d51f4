package orders_test

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/api/links"
)

// wantInput holds the one input of an order against what was sent.
func (s *stack) wantInput(order, format string, size int) gotAsset {
	s.t.Helper()
	o := s.order(order)
	if len(o.Assets) != 1 {
		s.t.Fatalf("the order has the inputs %+v, want one", o.Assets)
	}
	a := o.Assets[0]
	if a.Status != "ready" || a.Type == nil || *a.Type != format || a.Size == nil || int(*a.Size) != size || a.FailureReason != nil {
		s.t.Errorf("the input is %+v, want a ready %s of %d bytes", a, format, size)
	}
	return a
}

func TestASingleUploadIsOnePutWithoutAHeaderOfOurs(t *testing.T) {
	s := newStack(t)
	file := points(30_000)
	for _, more := range []string{"", fmt.Sprintf(", size_bytes: %d", len(file))} {
		o := s.newOrder()
		u := s.begin(o.OrderID, "xyz", "single", more)
		if u.UploadURL == nil || u.PartURLs != nil || u.UploadID != nil || u.Status != "pending" || u.UploadType != "single" || u.OrderID != o.OrderID ||
			u.ExpiresIn == nil || *u.ExpiresIn < 60 {
			t.Fatalf("initializeUpload answered %+v", u)
		}
		if got := s.order(o.OrderID); got.Status != "INITIALIZED" || got.Assets[0].Status != "pending" {
			t.Errorf("with an upload the order is %s with %+v", got.Status, got.Assets)
		}
		s.send(*u.UploadURL, file)
		if done := s.finish(u.AssetID, ""); done.Status != "ready" || done.UploadURL != nil || done.ExpiresIn != nil {
			t.Errorf("finalizeUpload answered %+v", done)
		}
		s.wantInput(o.OrderID, "xyz", len(file))
	}
}

func TestAMultiUploadTakesPartsOfTheClientsSizes(t *testing.T) {
	s := newStack(t)
	file := points(12 << 20)
	o := s.newOrder()
	u := s.begin(o.OrderID, "xyz", "multi", ", total_parts: 3")
	if u.UploadURL != nil || len(u.PartURLs) != 3 || u.UploadID == nil || u.PartCount == nil || *u.PartCount != 3 || u.NextCursor != nil {
		t.Fatalf("initializeUpload answered %+v", u)
	}
	cut := [][]byte{file[:5<<20], file[5<<20 : 11<<20], file[11<<20:]}
	said := func(tags ...string) string {
		parts := make([]string, len(tags))
		for i, tag := range tags {
			parts[i] = fmt.Sprintf("{PartNumber: %d, ETag: %q}", i+1, tag)
		}
		return fmt.Sprintf(", order_id: %q, upload_id: %q, parts: [%s]", o.OrderID, *u.UploadID, strings.Join(parts, " "))
	}
	first := s.send(u.PartURLs[0].SignedURL, cut[0])
	early := s.refused(request{query: fmt.Sprintf(`mutation { finalizeUpload(asset_id: %q %s) { upload_status } }`, u.AssetID, said(first, "x", "y"))}, "CONFLICT")
	for _, missing := range []string{"2", "3"} {
		if !strings.Contains(early, missing) {
			t.Errorf("before all parts are there it says %q, want it to name part %s", early, missing)
		}
	}
	again := get[gotUpload](s, request{query: fmt.Sprintf(`mutation { reissueUpload(asset_id: %q) { %s } }`, u.AssetID, uploadFields)})
	if len(again.PartURLs) != 2 || again.PartURLs[0].PartNumber != 2 || *again.UploadID != *u.UploadID {
		t.Fatalf("reissueUpload answered %+v, want the parts that are missing", again)
	}
	second, third := s.send(again.PartURLs[0].SignedURL, cut[1]), s.send(again.PartURLs[1].SignedURL, cut[2])
	there := get[gotUpload](s, request{query: fmt.Sprintf(`{ uploadSession(asset_id: %q) { %s } }`, u.AssetID, uploadFields)})
	if there.PartsReceived == nil || *there.PartsReceived != 3 || there.PartURLs != nil || there.ExpiresIn != nil {
		t.Errorf("uploadSession answered %+v, want three parts and no URLs", there)
	}
	s.refused(request{query: fmt.Sprintf(`mutation { finalizeUpload(asset_id: %q %s) { upload_status } }`, u.AssetID, said(first, third, second))}, "CONFLICT")
	for range 2 {
		if done := s.finish(u.AssetID, said(first, second, third)); done.Status != "ready" || done.PartsReceived == nil || *done.PartsReceived != 3 {
			t.Errorf("finalizeUpload answered %+v", done)
		}
	}
	s.wantInput(o.OrderID, "xyz", len(file))
}

func TestReissuedURLsComeInPages(t *testing.T) {
	s := newStack(t)
	u := s.begin(s.newOrder().OrderID, "e57", "multi", ", total_parts: 5, first: 2")
	var numbers []int
	for {
		for _, p := range u.PartURLs {
			numbers = append(numbers, p.PartNumber)
		}
		if u.NextCursor == nil {
			break
		}
		u = get[gotUpload](s, request{query: fmt.Sprintf(`mutation { reissueUpload(asset_id: %q, after: %q, first: 2) { %s } }`, u.AssetID, *u.NextCursor, uploadFields)})
	}
	if diff := cmp.Diff([]int{1, 2, 3, 4, 5}, numbers); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	u = get[gotUpload](s, request{query: fmt.Sprintf(`mutation { reissueUpload(asset_id: %q, part_numbers: [4 2]) { %s } }`, u.AssetID, uploadFields)})
	if len(u.PartURLs) != 2 || u.PartURLs[0].PartNumber != 4 || u.PartURLs[1].PartNumber != 2 {
		t.Errorf("the parts 4 and 2 are %+v", u.PartURLs)
	}
}

func TestAnUploadByAddressIsCopiedWhileTheOrderIsSubmitted(t *testing.T) {
	s := newStack(t)
	file := points(50_000)
	address := s.files.put("flat.xyz", file)
	o := s.newOrder()
	u := s.begin(o.OrderID, "xyz", "url", fmt.Sprintf(", url: %q", address))
	if u.UploadURL != nil || u.PartURLs != nil || u.Status != "importing" || u.UploadType != "url" || u.ExpiresIn != nil {
		t.Fatalf("initializeUpload answered %+v", u)
	}
	submitted := get[gotOrder](s, request{query: fmt.Sprintf(`mutation { finalizeOrder(order_id: %q) { %s } }`, o.OrderID, orderFields)})
	if submitted.Status != "UPLOADING" {
		t.Errorf("the order is %s, want UPLOADING", submitted.Status)
	}
	s.settle()
	a := s.wantInput(o.OrderID, "xyz", len(file))
	if got := s.order(o.OrderID); got.Status != "PROCESSING" || got.Version <= submitted.Version || a.Name != "flat.xyz" {
		t.Errorf("with its last input the order is %s at version %d with %s; want PROCESSING", got.Status, got.Version, a.Name)
	}
}

func TestAnInputIsDownloadedByALinkThatEnds(t *testing.T) {
	s := newStack(t)
	s.public = "https://files.example"
	file := points(20_000)
	o := s.newOrder()
	u := s.begin(o.OrderID, "xyz", "single", "")
	in := request{query: fmt.Sprintf(`mutation { initializeDownload(asset_id: %q) { asset_id download_url expires_in } }`, u.AssetID)}
	s.refused(in, "CONFLICT")
	s.send(*u.UploadURL, file)
	s.finish(u.AssetID, "")
	d := get[gotDownload](s, in)
	if d.AssetID != u.AssetID || d.ExpiresIn != 86_400 || !strings.HasPrefix(d.URL, "https://files.example/l/") {
		t.Fatalf("initializeDownload answered %+v", d)
	}
	if status, body := s.follow(t, d.URL); status != http.StatusOK || !bytes.Equal(body, file) {
		t.Errorf("the link led to %d with %d bytes, want 200 with the %d that were sent", status, len(body), len(file))
	}
	s.public = ""
	if d := get[gotDownload](s, in); !strings.HasPrefix(d.URL, "https://api.example/l/") {
		t.Errorf("without an origin of its own the link is %s, want it at the request's", d.URL)
	}
	s.late += 25 * time.Hour
	if status, _ := s.follow(t, d.URL); status != http.StatusNotFound {
		t.Errorf("after its end the link answers %d, want 404", status)
	}
}

// follow opens a link of ours, and reads where it leads.
func (s *stack) follow(t *testing.T, url string) (int, []byte) {
	t.Helper()
	w := httptest.NewRecorder()
	links.Open(s).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, url, nil))
	if w.Code != http.StatusFound {
		return w.Code, nil
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.Header().Get("Location"), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return got.StatusCode, body
}

func picture(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, 30, 20))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
