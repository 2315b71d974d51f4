package schema

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/table"
)

// Attributes of imports by address, beside Workspace, Generation, Upload and PartSize. Version counts the runs that were asked for: each asks
// a worker to begin or to go on.
const (
	Address        = "source"          // String: the address that is copied from, with its query: nowhere else is it kept
	MaxSize        = "max_size"        // Number: bytes that are taken at most
	Attempt        = "attempt"         // Number: how often the import was begun, from 1; retries count
	Hop            = "hop"             // Number: how often a worker of this attempt handed over to the next
	Kicks          = "kicks"           // Number: how often the sweeper woke it since a worker last handed over
	Worker         = "worker"          // String: token of the worker that is at it
	LeaseUntil     = "lease_until"     // Number: Unix milliseconds from which on another worker may take it
	Verified       = "verified"        // Number: the last attempt in which the source was seen to be the one described here
	SourceETag     = "source_etag"     // String: as the source sent it
	SourceModified = "source_modified" // String: as the source sent it
	SourceSize     = "source_size"     // Number: bytes
	Reserved       = "reserved"        // Number: bytes that this attempt has counted among those of a day
	Imported       = "imported"        // Number: bytes that a workspace has imported on a day
)

// Attributes of sweeping.
const (
	Watermark = "watermark" // String: asset ids below it have been visited
	Hour      = "hour"      // String: hours before it are done
)

const (
	importPrefix = "import#"
	importSK     = "import"
)

// ImportKey is the row of an asset's import by address.
func ImportKey(a id.Asset) table.Key { return table.Key{PK: importPrefix + a.String(), SK: importSK} }

// ParseImportKey reads ImportKey back; ok is false for rows of any other kind, also for a key that ImportKey would spell differently.
func ParseImportKey(k table.Key) (a id.Asset, ok bool) {
	text, found := strings.CutPrefix(k.PK, importPrefix)
	if !found {
		return a, false
	}
	a, err := id.ParseAsset(text)
	return a, err == nil && ImportKey(a) == k
}

// ImportedKey is the row that counts the bytes a workspace imports on a day, in UTC.
func ImportedKey(w id.Workspace, day time.Time) table.Key {
	return table.Key{PK: w.String(), SK: "imported#" + day.UTC().Format(time.DateOnly)}
}

// SweepShards is over how many partitions the markers of one hour are spread.
const SweepShards = 16

// HourFormat is how an hour is spelled in keys, in UTC.
const HourFormat = "2006-01-02T15"

// ActivePartition lists the workspaces of one shard that began an upload in an hour.
func ActivePartition(hour time.Time, shard int) string {
	return "active#" + hour.UTC().Format(HourFormat) + "#" + strconv.FormatInt(int64(shard), 16)
}

// ActiveKey is the marker of one workspace in an hour.
func ActiveKey(hour time.Time, w id.Workspace) table.Key {
	return table.Key{PK: ActivePartition(hour, int(w.Tag()%SweepShards)), SK: w.String()}
}

// DuePartition lists the assets of one shard to visit once an hour has passed.
func DuePartition(hour time.Time, shard int) string {
	return "due#" + hour.UTC().Format(HourFormat) + "#" + strconv.FormatInt(int64(shard), 16)
}

// DueKey is the marker of one asset to visit once an hour has passed.
func DueKey(hour time.Time, w id.Workspace, a id.Asset) table.Key {
	return table.Key{PK: DuePartition(hour, int(a.Spread()%SweepShards)), SK: w.String() + "#" + a.String()}
}

// ParseDue reads the sort key of a due marker back.
func ParseDue(sk string) (w id.Workspace, a id.Asset, err error) {
	ws, as, _ := strings.Cut(sk, "#")
	if w, err = id.ParseWorkspace(ws); err != nil {
		return w, a, err
	}
	a, err = id.ParseAsset(as)
	return w, a, err
}

// SweepKey is how far the sweeper has come through the hours.
func SweepKey() table.Key { return table.Key{PK: "sweep", SK: "hours"} }

// WatermarkKey is how far the sweeper has come through one shard of a workspace.
func WatermarkKey(w id.Workspace, shard int) table.Key {
	return table.Key{PK: w.String(), SK: fmt.Sprintf("sweep#%02x", shard)}
}
