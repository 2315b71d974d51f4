package versity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/backend"
)

// folder is where the engine keeps its files, if their metadata travels with them.
type folder struct{ objects, versions string }

// older is the folder of the older versions of a key, laid out by the engine: files named by version, whose names sort by age.
func (f folder) older(bucket, key string) string {
	h := sha256.Sum256([]byte(key))
	sum := hex.EncodeToString(h[:])
	return filepath.Join(f.versions, bucket, sum[:2], sum[2:4], sum[4:6], sum)
}

// putBack removes the newest version of a key by moving the one before into its place, in one step. The engine needs several, and
// a crash between them would leave the key without a file. It says whether it did; what it did not is left to the engine.
func (f folder) putBack(ctx context.Context, be backend.Backend, bucket, key, version string) (bool, error) {
	if f.versions == "" || version == "" {
		return false, nil
	}
	h, err := be.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
	if err != nil || aws.ToString(h.VersionId) != version {
		return false, nil // not the newest, or a delete marker
	}
	dir := f.older(bucket, key)
	// A crash while a version was written over leaves a second file of it here.
	if err := os.Remove(filepath.Join(dir, version)); err != nil && !os.IsNotExist(err) {
		return false, err
	}
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) || err == nil && len(entries) == 0 {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	last := entries[len(entries)-1].Name()
	if err := os.Rename(filepath.Join(dir, last), filepath.Join(f.objects, bucket, key)); err != nil {
		return false, err
	}
	if len(entries) == 1 {
		_ = os.Remove(dir) // an empty folder is only untidy
	}
	return true, nil
}
