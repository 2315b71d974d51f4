package versity

import (
	"os"

	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/backend/meta"
)

// attributes keeps metadata in extended attributes, of which common file systems take about 4 KB a file. The engine notes where each part of a
// joined object begins; for some hundred parts and more that does not fit, and the object could not be made. S3 tells the parts of an
// object by their number, which nothing of ours asks for, so of long notes only the upload's id is kept.
type attributes struct{ meta.XattrMeta }

// mostNotes is how many bytes of notes on parts are kept whole: half of what ext4 takes for all attributes of a file.
const mostNotes = 2 << 10

// StoreAttribute keeps an attribute of a file.
func (a attributes) StoreAttribute(f *os.File, bucket, object, attribute string, value []byte) error {
	if attribute == madeFromAttribute && len(value) > mostNotes {
		notes, err := backend.UnmarshalMpUploadMetadata(value, false)
		if err != nil {
			return err
		}
		if value, err = backend.MarshalMpUploadMetadata(backend.MpUploadMetadata{UploadID: notes.UploadID}, false); err != nil {
			return err
		}
	}
	return a.XattrMeta.StoreAttribute(f, bucket, object, attribute, value)
}
