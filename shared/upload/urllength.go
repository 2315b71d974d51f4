package upload

import (
	"context"
	"fmt"
	"strings"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
)

// uploadIDLength is the most characters that are expected of S3's id of a multipart upload; those seen have up to 190.
const uploadIDLength = 200

// PartURLLength is how many characters the longest part URL has that the present credentials sign, so that a caller knows what fits into
// an answer before anything is begun. It asks nobody.
func (s *Service) PartURLLength(ctx context.Context) (int, error) {
	a := asset.Asset{Generation: 99, Via: asset.ViaParts, Parts: MaxParts}
	specs := []blob.PartSpec{{Number: MaxParts, Size: blob.AnySize}}
	urls, _, err := s.Bucket.SignParts(ctx, a.Source().Key(), strings.Repeat("u", uploadIDLength), specs, s.end(s.partGrant))
	if err != nil {
		return 0, fmt.Errorf("measure the URL of a part: %w", err)
	}
	return len(urls[0]), nil
}
