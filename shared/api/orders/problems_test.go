package orders_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"
)

// submit hands an order in.
func (s *stack) submit(order string) request {
	return request{query: fmt.Sprintf(`mutation { finalizeOrder(order_id: %q) { %s } }`, order, orderFields)}
}

// e57 is the smallest file that is a scan by its header.
func e57() []byte {
	b := make([]byte, 4096)
	copy(b, "ASTM-E57")
	binary.LittleEndian.PutUint32(b[8:], 1)
	binary.LittleEndian.PutUint64(b[16:], uint64(len(b)))
	binary.LittleEndian.PutUint64(b[24:], 1024)
	binary.LittleEndian.PutUint64(b[32:], 2048)
	binary.LittleEndian.PutUint64(b[40:], 1024)
	return b
}

func TestBytesAreJudgedAndNeverTrusted(t *testing.T) {
	s := newStack(t)
	for _, tt := range []struct {
		name, format string
		file         []byte
		says         string // "": it is taken
	}{
		{"an e57", "e57", e57(), ""},
		{"an xyz", "xyz", points(5000), ""},
		{"an xyz that is a picture", "xyz", picture(t), "announced as xyz"},
		{"an e57 that is a picture", "e57", picture(t), "announced as e57"},
		{"an e57 cut in half", "e57", e57()[:2048], "incomplete"},
		{"an e57 announced as xyz", "xyz", e57(), "announced as xyz"},
		{"an xyz announced as e57", "e57", points(5000), "announced as e57"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := s.newOrder()
			u := s.begin(o.OrderID, tt.format, "single", "")
			s.send(*u.UploadURL, tt.file)
			done := s.finish(u.AssetID, "")
			if tt.says == "" {
				if done.Status != "ready" {
					t.Errorf("it is %s, want ready: %+v", done.Status, s.order(o.OrderID).Assets)
				}
				return
			}
			a := s.order(o.OrderID).Assets[0]
			if done.Status != "failed" || a.FailureReason == nil || !strings.Contains(*a.FailureReason, tt.says) {
				t.Fatalf("finalizeUpload answered %s, and the input is %+v; want it failed with %q", done.Status, a, tt.says)
			}
			refused := s.ask(s.submit(o.OrderID))
			if len(refused.Errors) != 1 || refused.Errors[0].Extensions.Code != "BAD_USER_INPUT" || len(refused.Errors[0].Extensions.Fields) != 1 ||
				refused.Errors[0].Extensions.Fields[0].Name != "assets.0" || refused.Errors[0].Path[0] != "finalizeOrder" {
				t.Errorf("finalizeOrder answered %+v, want one problem at assets.0", refused.Errors)
			}
			s.isUsable(o.OrderID, u.AssetID)
		})
	}
}

// isUsable gives an input of an order up, brings a good one in its place and submits.
func (s *stack) isUsable(order, bad string) {
	s.t.Helper()
	gone := get[gotUpload](s, request{query: fmt.Sprintf(`mutation { abandonUpload(asset_id: %q) { %s } }`, bad, uploadFields)})
	if got := s.order(order); gone.Status != "abandoned" || got.Status != "DRAFT" || len(got.Assets) != 0 {
		s.t.Errorf("abandonUpload answered %+v, and the order is %s with %+v; want a DRAFT without inputs", gone, got.Status, got.Assets)
	}
	u := s.begin(order, "xyz", "single", "")
	s.send(*u.UploadURL, points(5000))
	s.finish(u.AssetID, "")
	if got := get[gotOrder](s, s.submit(order)); got.Status != "PROCESSING" || len(got.Problems) != 0 {
		s.t.Errorf("with a good input the order is %s with %+v, want PROCESSING", got.Status, got.Problems)
	}
}

func TestAnInputThatFailsAfterSubmissionBringsTheOrderBack(t *testing.T) {
	s := newStack(t)
	o := s.newOrder()
	u := s.begin(o.OrderID, "xyz", "url", fmt.Sprintf(", url: %q", s.files.put("flat.xyz", picture(t))))
	if got := get[gotOrder](s, s.submit(o.OrderID)); got.Status != "UPLOADING" {
		t.Fatalf("the order is %s, want UPLOADING", got.Status)
	}
	s.settle()
	got := s.order(o.OrderID)
	if got.Status != "INITIALIZED" || len(got.Problems) != 1 || got.Problems[0].Path != "assets.0" || !strings.Contains(got.Problems[0].Message, "xyz") {
		t.Errorf("the order is %s with %+v, want INITIALIZED with one problem", got.Status, got.Problems)
	}
	s.isUsable(o.OrderID, u.AssetID)
}

func TestASubmittedOrderTakesNoChange(t *testing.T) {
	s := newStack(t)
	o := s.newOrder()
	u := s.begin(o.OrderID, "xyz", "single", "")
	spare := s.begin(s.newOrder().OrderID, "xyz", "single", "")
	if got := get[gotOrder](s, s.submit(o.OrderID)); got.Status != "UPLOADING" || got.Assets[0].Status != "pending" {
		t.Fatalf("with an input under way the order is %s, want UPLOADING", got.Status)
	}
	for _, query := range []string{
		`mutation { initializeUpload(order_id: %q, asset_type: "xyz", upload_type: "single") { asset_id } }`,
		`mutation { initializeUpload(order_id: %q, asset_type: "e57", upload_type: "multi", total_parts: 2) { asset_id } }`,
		`mutation { updateOrder(order_id: %q, order_name: "Another") { order_id } }`,
		`mutation { attachAsset(order_id: %q, asset_id: "` + spare.AssetID + `") { order_id } }`,
	} {
		s.refused(request{query: fmt.Sprintf(query, o.OrderID)}, "CONFLICT")
	}
	s.refused(request{query: fmt.Sprintf(`mutation { abandonUpload(asset_id: %q) { asset_id } }`, u.AssetID)}, "CONFLICT")
	s.send(*u.UploadURL, points(5000))
	s.finish(u.AssetID, "")
	s.settle()
	if got := s.order(o.OrderID); got.Status != "PROCESSING" || got.Name != "Town hall" {
		t.Errorf("with its input the order is %s, called %q; want PROCESSING, as it was", got.Status, got.Name)
	}
	s.refused(request{query: fmt.Sprintf(`mutation { cancelOrder(order_id: %q) { order_id } }`, o.OrderID)}, "CONFLICT")
	if got := get[gotOrder](s, s.submit(o.OrderID)); got.Status != "PROCESSING" || got.Progress == nil {
		t.Errorf("a repeat of finalizeOrder answered %+v, want the order as it stands", got)
	}
}

func TestArgumentsOfAnotherModeAreRefused(t *testing.T) {
	s := newStack(t)
	o := s.newOrder()
	for _, tt := range []struct{ name, args, field string }{
		{"no parts", `upload_type: "multi"`, "total_parts"},
		{"0 parts", `upload_type: "multi", total_parts: 0`, "total_parts"},
		{"-1 parts", `upload_type: "multi", total_parts: -1`, "total_parts"},
		{"10,001 parts", `upload_type: "multi", total_parts: 10001`, "total_parts"},
		{"parts of a single upload", `upload_type: "single", total_parts: 2`, "total_parts"},
		{"parts of an address", `upload_type: "url", url: "https://a.example/a.xyz", total_parts: 2`, "total_parts"},
		{"no address", `upload_type: "url"`, "url"},
		{"an address of a single upload", `upload_type: "single", url: "https://a.example/a.xyz"`, "url"},
		{"an address of parts", `upload_type: "multi", total_parts: 2, url: "https://a.example/a.xyz"`, "url"},
		{"another scheme", `upload_type: "url", url: "ftp://a.example/a.xyz"`, "url"},
		{"no size", `upload_type: "single", size_bytes: 0`, "size_bytes"},
		{"half a byte", `upload_type: "single", size_bytes: 10.5`, "size_bytes"},
		{"a negative size", `upload_type: "single", size_bytes: -1`, "size_bytes"},
		{"more than one PUT takes", `upload_type: "single", size_bytes: 5368709121`, "size_bytes"},
		{"more than anything takes", `upload_type: "multi", total_parts: 2, size_bytes: 1e300`, "size_bytes"},
		{"more than parts of 5 GiB hold", `upload_type: "multi", total_parts: 2, size_bytes: 1e12`, "total_parts"},
		{"the size of an address", `upload_type: "url", url: "https://a.example/a.xyz", size_bytes: 10`, "size_bytes"},
		{"the first 0 parts", `upload_type: "multi", total_parts: 2, first: 0`, "first"},
		{"the first parts of a single upload", `upload_type: "single", first: 1`, "first"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := s.ask(request{query: fmt.Sprintf(`mutation { initializeUpload(order_id: %q, asset_type: "xyz", %s) { asset_id } }`, o.OrderID, tt.args)})
			if len(a.Errors) != 1 || a.Errors[0].Extensions.Code != "BAD_USER_INPUT" || fmt.Sprint(a.Errors[0].Path) != "[initializeUpload]" {
				t.Fatalf("it answered %+v, want BAD_USER_INPUT at initializeUpload", a.Errors)
			}
			if fs := a.Errors[0].Extensions.Fields; len(fs) == 0 || fs[0].Name != tt.field {
				t.Errorf("it names %+v, want %s", fs, tt.field)
			}
		})
	}
	if got := s.order(o.OrderID); got.Status != "DRAFT" || got.Version != o.Version {
		t.Errorf("the order is %s at version %d, want it untouched", got.Status, got.Version)
	}
}

func TestFinalizeUploadIsHeldAgainstTheAsset(t *testing.T) {
	s := newStack(t)
	o, other := s.newOrder(), s.newOrder()
	m, single := s.begin(o.OrderID, "xyz", "multi", ", total_parts: 2"), s.begin(o.OrderID, "xyz", "single", "")
	for _, tt := range []struct{ name, asset, args, code string }{
		{"nothing arrived", m.AssetID, ``, "CONFLICT"},
		{"nothing arrived of a single upload", single.AssetID, ``, "CONFLICT"},
		{"another order", m.AssetID, fmt.Sprintf(`, order_id: %q`, other.OrderID), "BAD_USER_INPUT"},
		{"an order that is none", m.AssetID, `, order_id: "nonsense"`, "NOT_FOUND"},
		{"another upload", m.AssetID, `, upload_id: "nonsense"`, "BAD_USER_INPUT"},
		{"an upload id of a single upload", single.AssetID, `, upload_id: "nonsense"`, "BAD_USER_INPUT"},
		{"no parts, said so", m.AssetID, `, parts: []`, "CONFLICT"},
		{"a part twice", m.AssetID, `, parts: [{PartNumber: 1, ETag: "a"}, {PartNumber: 1, ETag: "a"}]`, "BAD_USER_INPUT"},
		{"a part 0", m.AssetID, `, parts: [{PartNumber: 0, ETag: "a"}]`, "BAD_USER_INPUT"},
		{"a part too many", m.AssetID, `, parts: [{PartNumber: 3, ETag: "a"}]`, "BAD_USER_INPUT"},
		{"parts of a single upload", single.AssetID, `, parts: [{PartNumber: 1, ETag: "a"}]`, "BAD_USER_INPUT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.refused(request{query: fmt.Sprintf(`mutation { finalizeUpload(asset_id: %q %s) { upload_status } }`, tt.asset, tt.args)}, tt.code)
		})
	}
	if got := s.order(o.OrderID); len(got.Assets) != 2 || got.Assets[0].Status != "pending" || got.Assets[1].Status != "pending" {
		t.Errorf("the inputs are %+v, want both still pending", got.Assets)
	}
}

func TestAnOrderWithoutInputsIsNotTaken(t *testing.T) {
	s := newStack(t)
	o := s.newOrder()
	a := s.ask(s.submit(o.OrderID))
	if len(a.Errors) != 1 || a.Errors[0].Extensions.Code != "BAD_USER_INPUT" || len(a.Errors[0].Extensions.Fields) != 1 || a.Errors[0].Extensions.Fields[0].Name != "assets" {
		t.Errorf("finalizeOrder answered %+v, want a problem at assets", a.Errors)
	}
}

// A part of what was begun may never come: it does not hold up the rest.
func TestAnInputOfWhichNothingCameIsLeftOutAndNamed(t *testing.T) {
	s := newStack(t)
	o := s.newOrder()
	u := s.begin(o.OrderID, "xyz", "single", "")
	s.send(*u.UploadURL, points(5000))
	s.finish(u.AssetID, "")
	lost := s.begin(o.OrderID, "e57", "single", "")
	s.late += 50 * time.Minute // the grant is over, and the token is not
	got := get[gotOrder](s, s.submit(o.OrderID))
	if got.Status != "PROCESSING" || len(got.Assets) != 1 || len(got.Problems) != 1 || !strings.Contains(got.Problems[0].Message, lost.AssetID) {
		t.Errorf("the order is %s with %+v and %+v, want the lost input named", got.Status, got.Assets, got.Problems)
	}
}
