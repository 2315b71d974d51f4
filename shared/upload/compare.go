package upload

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
)

// checkSent refuses a client's list of parts that makes no sense, whatever the bucket holds: fault.Invalid about "parts". No list is fine.
func (p Plan) checkSent(sent []blob.Part) error {
	if len(sent) > MaxParts {
		return fault.BadField("parts", "%d were sent; an upload has at most %d", len(sent), MaxParts)
	}
	numbers := make([]int, len(sent))
	var bare []int
	for i, part := range sent {
		if numbers[i] = part.Number; part.ETag == "" {
			bare = append(bare, part.Number)
		}
	}
	says := p.strange(numbers)
	if len(bare) > 0 {
		if says != "" {
			says += "; "
		}
		says += ranges(bare) + " without an ETag; send the one that was answered to each part"
	}
	if says != "" {
		return fault.BadField("parts", "%s", says)
	}
	return nil
}

// together is a refused list of parts that also says what else is in the way.
func together(senseless, unfit error) error {
	var says []string
	for _, f := range append(fault.FieldsOf(senseless), fault.FieldsOf(unfit)...) {
		says = append(says, f.Message)
	}
	return fault.BadField("parts", "%s", strings.Join(says, "; "))
}

// finding is something that keeps parts from being joined, and of which of them.
type finding struct {
	says    string
	numbers []int
}

// compare holds the parts that are there, and the client's list of them if it sent one, against the plan. The error is fault.Conflict, and names
// every part that is in the way.
func (p Plan) compare(there, sent []blob.Part) error {
	held := make(map[int]blob.Part, len(there))
	missing, small, other := finding{says: "not there"}, finding{says: p.sizes()}, finding{says: "there but not in the plan"}
	for _, part := range there {
		held[part.Number] = part
		switch {
		case !p.has(part.Number):
			other.add(part.Number)
		case !p.fits(part.Number, part.Size):
			small.add(part.Number)
		}
	}
	for n := 1; n <= p.Count; n++ {
		if _, ok := held[n]; !ok {
			missing.add(n)
		}
	}
	return unfit(append([]finding{missing, small, other}, p.compareSent(held, sent)...))
}

// compareSent holds a client's list of parts against those that are there.
func (p Plan) compareSent(held map[int]blob.Part, sent []blob.Part) []finding {
	if len(sent) == 0 {
		return nil
	}
	changed, unlisted := finding{says: "there with another ETag than was sent"}, finding{says: "not in the list that was sent"}
	listed := make(map[int]bool, len(sent))
	for _, part := range sent {
		listed[part.Number] = true
		if h, ok := held[part.Number]; ok && part.ETag != "" && h.ETag != part.ETag {
			changed.add(part.Number)
		}
	}
	for n := 1; n <= p.Count; n++ {
		if !listed[n] {
			unlisted.add(n)
		}
	}
	return []finding{changed, unlisted}
}

func (f *finding) add(number int) { f.numbers = append(f.numbers, number) }

// sizes says what the parts of a plan must have.
func (p Plan) sizes() string {
	switch {
	case p.PartSize == 0:
		return fmt.Sprintf("not of %d to %d bytes, which every part but the last must have", MinPartSize, int64(MaxPartSize))
	case p.Count == 1:
		return fmt.Sprintf("not of the planned %d bytes", p.Size)
	}
	return fmt.Sprintf("not of the planned %d bytes (%d for the last)", p.PartSize, p.Length(p.Count))
}

// unfit is the error for findings; nil without any.
func unfit(fs []finding) error {
	fs = slices.DeleteFunc(fs, func(f finding) bool { return len(f.numbers) == 0 })
	if len(fs) == 0 {
		return nil
	}
	texts, fields := make([]string, len(fs)), make([]fault.Field, len(fs))
	for i, f := range fs {
		texts[i] = are(f.numbers) + " " + f.says
		fields[i] = fault.Field{Name: "parts", Message: texts[i]}
	}
	return &fault.Error{Kind: fault.Conflict, Fields: fields, Message: "The parts cannot be joined yet; of them " + strings.Join(texts, "; ") +
		". Send those parts (again) and complete again; all others are kept."}
}
