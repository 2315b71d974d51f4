package upload

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
)

// Limits of uploads by parts: Amazon S3's.
const (
	MaxParts    = 10_000
	MinPartSize = 5 << 20                // bytes of every part but the last
	MaxPartSize = 5 << 30                // bytes
	MaxSize     = MaxParts * MaxPartSize // bytes of the whole: 53,687,091,200,000
)

// defaultPartSize is the smallest that is planned unasked: few requests for small files, and little to send again after a broken connection.
const defaultPartSize = 16 << 20

// Plan is how a file is cut into parts: all of PartSize bytes but the last, which has the rest. Where PartSize is 0 the sizes are the client's:
// MinPartSize to MaxPartSize, the last may be smaller. Parts are numbered from 1 to Count.
type Plan struct {
	Size     int64 // bytes of the whole; 0: not known
	PartSize int64
	Count    int
}

// PlanParts plans the parts of a file of size bytes. Part size 0 lets it choose: 16 MiB, or the smallest number of whole MiB that MaxParts of
// suffice. The error is fault.Invalid about "size_bytes" and "part_size".
func PlanParts(size, partSize int64) (Plan, error) {
	var bad []fault.Field
	if size < 1 || size > MaxSize {
		bad = append(bad, fault.Field{Name: "size_bytes", Message: fmt.Sprintf("%d bytes; an upload by parts has 1 to %d", size, int64(MaxSize))})
	}
	if partSize != 0 && (partSize < MinPartSize || partSize > MaxPartSize) {
		bad = append(bad, fault.Field{Name: "part_size", Message: fmt.Sprintf("%d bytes; a part has %d to %d", partSize, MinPartSize, int64(MaxPartSize))})
	}
	if err := fault.BadFields(bad); err != nil {
		return Plan{}, err
	}
	least := smallestPart(size)
	if partSize == 0 {
		partSize = max(defaultPartSize, least)
	}
	p := plan(size, partSize)
	if p.Count > MaxParts {
		return Plan{}, fault.BadField("part_size", "%d bytes make %d parts of %d bytes; at most %d parts are taken, so send %d or more",
			partSize, p.Count, size, MaxParts, least)
	}
	return p, nil
}

// PlanCount plans a number of parts, for a file of size bytes or, for 0, of parts whose sizes are the client's. With a size the parts are as even
// as can be: what is left over makes the last smaller. The error is fault.Invalid about "total_parts" and "size_bytes".
func PlanCount(count int, size int64) (Plan, error) {
	var bad []fault.Field
	if count < 1 || count > MaxParts {
		bad = append(bad, fault.Field{Name: "total_parts", Message: fmt.Sprintf("%d parts; an upload has 1 to %d", count, MaxParts)})
	}
	if size < 0 || size > MaxSize {
		bad = append(bad, fault.Field{Name: "size_bytes", Message: fmt.Sprintf("%d bytes; an upload by parts has 1 to %d", size, int64(MaxSize))})
	}
	if err := fault.BadFields(bad); err != nil {
		return Plan{}, err
	}
	if size == 0 {
		return Plan{Count: count}, nil
	}
	n := int64(count)
	even := max((size+n-1)/n, MinPartSize)
	p := plan(size, even)
	if count == 1 {
		p = Plan{size, size, 1}
	}
	if p.Count != count || p.PartSize > MaxPartSize {
		least, most := plan(size, MaxPartSize).Count, plan(size, MinPartSize).Count
		return Plan{}, fault.BadField("total_parts", "%d bytes cannot be cut into %d parts of %d to %d bytes; send %s", size, count,
			MinPartSize, int64(MaxPartSize), between(least, most))
	}
	return p, nil
}

// between spells a range of numbers for people.
func between(least, most int) string {
	if least == most {
		return strconv.Itoa(least)
	}
	return fmt.Sprintf("%d to %d", least, min(most, MaxParts))
}

// smallestPart is the smallest number of whole MiB that MaxParts of suffice for a size.
func smallestPart(size int64) int64 {
	const mib = 1 << 20
	return (size + MaxParts*mib - 1) / (MaxParts * mib) * mib
}

// plan cuts a size.
func plan(size, partSize int64) Plan {
	return Plan{Size: size, PartSize: partSize, Count: int((size + partSize - 1) / partSize)}
}

// PlanOf is the plan of an asset that comes by parts; zero for one without.
func PlanOf(a asset.Asset) Plan {
	if a.PartSize == 0 {
		return Plan{Count: a.Parts}
	}
	return plan(a.Expected, a.PartSize)
}

// Length is the bytes of a part; 0 for a number that is not in the plan, or where sizes are the client's.
func (p Plan) Length(number int) int64 {
	switch {
	case !p.has(number), p.PartSize == 0:
		return 0
	case number == p.Count:
		return p.Size - int64(p.Count-1)*p.PartSize
	}
	return p.PartSize
}

// binds is the length that the grant of a part is bound to.
func (p Plan) binds(number int) int64 {
	if p.PartSize == 0 {
		return blob.AnySize
	}
	return p.Length(number)
}

// fits says whether a part of some bytes may stand where it does.
func (p Plan) fits(number int, size int64) bool {
	if p.PartSize == 0 {
		return size <= MaxPartSize && (size >= MinPartSize || number == p.Count)
	}
	return size == p.Length(number)
}

func (p Plan) has(number int) bool { return number >= 1 && number <= p.Count }

// strange says what is wrong with a list of part numbers: those that are not in the plan, and those that come twice; "" if nothing is.
func (p Plan) strange(numbers []int) string {
	seen := make(map[int]bool, len(numbers))
	var outside, twice []int
	for _, n := range numbers {
		switch {
		case seen[n]:
			twice = append(twice, n)
		case !p.has(n):
			outside = append(outside, n)
		}
		seen[n] = true
	}
	var says []string
	if len(outside) > 0 {
		says = append(says, fmt.Sprintf("%s not in the plan of parts 1 to %d", are(outside), p.Count))
	}
	if len(twice) > 0 {
		says = append(says, are(twice)+" listed more than once")
	}
	return strings.Join(says, "; ")
}

// are begins a sentence about some numbers.
func are(numbers []int) string {
	if s := ranges(numbers); strings.ContainsAny(s, ",-") {
		return s + " are"
	} else {
		return s + " is"
	}
}

// ranges spells numbers in order, each once, and those that follow one another as a range: "3, 7-12".
func ranges(numbers []int) string {
	numbers = slices.Compact(slices.Sorted(slices.Values(numbers)))
	var b strings.Builder
	for i := 0; i < len(numbers); {
		last := i
		for last+1 < len(numbers) && numbers[last+1] == numbers[last]+1 {
			last++
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Itoa(numbers[i]))
		if last > i {
			b.WriteString("-" + strconv.Itoa(numbers[last]))
		}
		i = last + 1
	}
	return b.String()
}
