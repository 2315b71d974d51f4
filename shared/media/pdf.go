package media

import "bytes"

// pdfTail is where the end mark is looked for, in bytes; readers look in the last 1,024, and some writers pad.
const pdfTail = 4 << 10

// lookPDF makes sure that the end of the document is there.
func lookPDF(r *reader) (Info, error) {
	b, _, err := r.tail(pdfTail, 0)
	if err != nil {
		return Info{}, err
	}
	if !bytes.Contains(b, []byte("%%EOF")) {
		return Info{}, incomplete("PDF", "its end (%%EOF) is missing")
	}
	return Info{}, nil
}
