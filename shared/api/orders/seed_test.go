package orders_test

import (
	"fmt"
	"strings"
	"testing"
)

// The two mutations of the published page, as they are printed there: with an order, an asset and an address that are the publisher's own.
const (
	printedUpload = `mutation { initializeUpload(order_id:"194cce76-172b-4465-b59e-18e4ee8dd820", asset_type: "xyz", upload_type: "url", url: "https://ip-public-docs.s3.us-east-1.amazonaws.com/test_pointclouds/ small-test.xyz"){ asset_id asset_type upload_url expires_in part_urls upload_id asset_type upload_url upload_type } }`

	printedDownload = `mutation { initializeDownload(asset_id:"a9e270fd-c98c-4656-a030-41a9add8ea0b"){ asset_id download_url expires_in } }`
)

func TestThePrintedMutationsAreUnderstood(t *testing.T) {
	s := newStack(t)
	s.refused(request{query: printedUpload}, "NOT_FOUND") // they are valid; it is the publisher's order
	s.refused(request{query: printedDownload}, "NOT_FOUND")

	o := s.newOrder()
	ours := strings.Replace(printedUpload, "194cce76-172b-4465-b59e-18e4ee8dd820", o.OrderID, 1)
	a := s.ask(request{query: ours}) // the blank in its address is of the page's line break: no server has such a file
	if len(a.Errors) != 1 || a.Errors[0].Extensions.Code != "BAD_USER_INPUT" || !strings.Contains(a.Errors[0].Message, "U+0020") ||
		a.Errors[0].Extensions.Fields[0].Name != "url" {
		t.Errorf("an address with a blank gave %+v, want it named", a.Errors)
	}
	file := points(9000)
	held := s.files.put("test_pointclouds/small-test.xyz", file)
	before, _, _ := strings.Cut(ours, `"https://`)
	_, after, _ := strings.Cut(ours, `small-test.xyz"`)
	u := get[gotUpload](s, request{query: before + fmt.Sprintf("%q", held) + after})
	if u.AssetType != "xyz" || u.UploadType != "url" || u.UploadURL != nil || u.PartURLs != nil || u.UploadID != nil || u.ExpiresIn != nil {
		t.Errorf("the printed fields answered %+v", u)
	}
	s.settle()
	s.wantInput(o.OrderID, "xyz", len(file))
	d := get[gotDownload](s, request{query: strings.Replace(printedDownload, "a9e270fd-c98c-4656-a030-41a9add8ea0b", u.AssetID, 1)})
	if d.AssetID != u.AssetID || d.ExpiresIn != 86_400 || d.URL == "" {
		t.Errorf("the printed download answered %+v", d)
	}
}
