package orders

import (
	"context"
	"net/http"
	"slices"

	"github.com/99designs/gqlgen/graphql"

	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/upload"
)

// What an answer may have. Lambda gives at most 6 MB back, as JSON that quotes the body: what is compressed travels as base64 in it.
const (
	maxAnswer = 6<<20 - 64<<10 // bytes; the rest is for headers and the other fields
	partExtra = 56             // bytes of {"PartNumber":10000,"signedUrl":"..."}, with the quotes escaped
)

// manyURLs are the fields whose answers may be full of signed URLs. A request has at most one of them.
var manyURLs = []string{"initializeUpload", "reissueUpload"}

// roomFor is how many part URLs the answer to a request may have. Compressed they all fit: one differs from the next in its number and its
// signature only.
func roomFor(r *http.Request, s Services) func() (int, error) {
	return func() (int, error) {
		if web.TakesGzip(r) {
			return upload.MaxParts, nil
		}
		length, err := s.Uploads().PartURLLength(r.Context())
		return min(maxAnswer/(length+partExtra), upload.MaxParts), err
	}
}

// fits refuses a field that asks for more part URLs than its answer has room for, before anything is done.
func fits(ctx context.Context, f *graphql.FieldContext) error {
	if f.Object != "Mutation" || !slices.Contains(manyURLs, f.Field.Name) {
		return nil
	}
	asked := askedURLs(f.Args)
	if asked == 0 || asked > upload.MaxParts { // too many are refused where they are counted
		return nil
	}
	room, err := callOf(ctx).room()
	if err != nil {
		return err
	}
	if asked > room {
		return fault.BadField("first", "the URLs of %d parts do not fit into an answer that is not compressed: send Accept-Encoding: gzip, or first: %d and then reissueUpload for the rest", asked, room)
	}
	return nil
}

// askedURLs is how many part URLs arguments ask for, as far as they say.
func askedURLs(args map[string]any) int {
	if first, ok := args["first"].(*int32); ok && first != nil {
		return int(*first)
	}
	if total, ok := args["total_parts"].(*int32); ok && total != nil {
		return int(*total)
	}
	numbers, _ := args["part_numbers"].([]int32)
	return len(numbers)
}
