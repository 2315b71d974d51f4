package upload

import (
	"context"
	"fmt"
	"time"

	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// reserveTries bounds how often a reservation is tried again after another import of the workspace changed the count.
const reserveTries = 20

// keepCount is how long the count of a day is kept after it: for people who ask why an import was refused.
const keepCount = 3 * 24 * time.Hour

// quotaError is why an import is refused today, for people.
type quotaError string

func (e quotaError) Error() string { return string(e) }

// reserve counts what an attempt copies, total bytes in all, among what its workspace imports on this day (UTC). The row of the import knows how much
// of it is counted, and both are one transaction: so a worker that is run again, or the next one, counts nothing twice. The errors are a
// quotaError where the day's limit does not suffice, and errTaken.
func (r *importRun) reserve(ctx context.Context, total int64) error {
	day := r.now().UTC().Truncate(24 * time.Hour)
	first := false // the count of the day is not there
	for range reserveTries {
		more := total - r.reserved
		if r.imports.BytesADay == 0 || more <= 0 {
			return nil
		}
		if more > r.imports.BytesADay {
			return quotaError(fmt.Sprintf("The source has %d bytes; a workspace imports at most %d a day. Send the file by another way in.",
				total, r.imports.BytesADay))
		}
		err := table.Decide(ctx, r.Table, []table.Write{r.count(day, more, first), r.noteReserved(total)})
		if err == nil {
			r.reserved = total
			return nil
		}
		refused := table.Refused(err)
		if refused == nil {
			return fmt.Errorf("count the import of asset %s: %w", r.asset.ID, err)
		}
		if refused.Reasons[1] == table.ConditionLost {
			if err := r.reservedBefore(refused.Current[1]); err != nil {
				return err
			}
			continue
		}
		counted := refused.Current[0]
		first = counted == nil
		if has := counted.Int(schema.Imported); has+more > r.imports.BytesADay {
			return quotaError(fmt.Sprintf("The source has %d more bytes; of the %d that the workspace may import a day (UTC), %d are used today. Retry the asset after %s.",
				more, r.imports.BytesADay, has, day.Add(24*time.Hour).Format(time.RFC3339)))
		}
	}
	return errCounting
}

// count adds to what a workspace imports on a day, up to the limit. First makes the count.
func (r *importRun) count(day time.Time, more int64, first bool) table.Write {
	k := schema.ImportedKey(r.workspace, day)
	if first {
		return table.Put(table.Item{
			table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK), schema.Imported: table.Int(more),
			table.AttrExpires: table.Int(day.Add(24*time.Hour + keepCount).Unix()),
		}, table.Absent())
	}
	return table.Update(k, table.Less(schema.Imported, table.Int(r.imports.BytesADay-more+1)), table.Add(schema.Imported, table.Int(more)))
}

// noteReserved keeps in the import's row how much of the attempt is counted.
func (r *importRun) noteReserved(total int64) table.Write {
	before := table.HasNot(schema.Reserved)
	if r.reserved > 0 {
		before = table.Eq(schema.Reserved, table.Int(r.reserved))
	}
	return table.Update(schema.ImportKey(r.asset.ID), table.All(r.mine(), before), table.Set(schema.Reserved, table.Int(total)))
}

// reservedBefore takes over from the row what this worker counted without hearing the answer. The error is errTaken where the import is no longer
// its own.
func (r *importRun) reservedBefore(row table.Item) error {
	if row == nil || row.Str(schema.Worker) != r.token {
		return errTaken
	}
	r.reserved = row.Int(schema.Reserved)
	return nil
}
