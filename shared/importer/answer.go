package importer

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/assetry/assetry/shared/remote"
)

// errNoRanges says that a source has no range from byte 0, which is so for an empty file: it is asked for the whole instead.
var errNoRanges = &remote.Error{Reason: remote.Refused, Message: "The source has no ranges."}

// judge says what an answer gives, before its body is read. The Answer has no body yet.
func judge(res *http.Response, q remote.Query, w where) (*remote.Answer, error) {
	if e := strings.Join(res.Header.Values("Content-Encoding"), ","); e != "" && !strings.EqualFold(strings.TrimSpace(e), "identity") {
		return nil, problem(remote.Malformed, "The source %s gave a compressed answer (%.40q) though none was asked for; compression is not trusted.", w, e)
	}
	switch {
	case res.StatusCode == http.StatusOK:
		return judgeWhole(res, q, w)
	case res.StatusCode == http.StatusPartialContent && q.Length > 0:
		return judgeRange(res, q, w)
	case res.StatusCode == http.StatusPartialContent:
		return nil, problem(remote.Malformed, "The source %s gave a part of the file though the whole was asked for.", w)
	case res.StatusCode == http.StatusRequestedRangeNotSatisfiable && q.Length > 0:
		return nil, judgeUnsatisfied(res, q, w)
	}
	return nil, refusedStatus(res.StatusCode, w)
}

// judgeWhole is for 200: the file from its beginning, whatever was asked for.
func judgeWhole(res *http.Response, q remote.Query, w where) (*remote.Answer, error) {
	a := &remote.Answer{Identity: identity(res.Header, res.ContentLength), Length: res.ContentLength}
	if compare(q.Same, a.Identity) != same {
		return nil, changed(w)
	}
	if q.From > 0 {
		return nil, problem(remote.Refused, "The source %s gave the whole file where the rest was asked for: it cannot go on half-way.", w)
	}
	return a, withinLimit(a.Size, q, w)
}

// judgeRange is for 206: exactly the range that was asked for, or up to the end of the file.
func judgeRange(res *http.Response, q remote.Query, w where) (*remote.Answer, error) {
	r, err := parseContentRange(res.Header.Values("Content-Range"))
	if err != nil {
		return nil, problem(remote.Malformed, "The source %s gave a range and does not say properly which: %v.", w, err)
	}
	a := &remote.Answer{Identity: identity(res.Header, r.total), Ranged: true, Length: r.last - r.first + 1}
	switch v := compare(q.Same, a.Identity); {
	case v == differs, v == unknown && !isStrong(q.Same.ETag): // If-Range was not sent, so that 206 promises nothing
		return nil, changed(w)
	}
	last := q.From + q.Length - 1
	if r.total >= 0 {
		last = min(last, r.total-1)
	}
	if r.first != q.From || r.last != last || res.ContentLength >= 0 && res.ContentLength != a.Length {
		return nil, problem(remote.Malformed, "The source %s gave the range %d to %d where %d to %d was asked for.", w, r.first, r.last, q.From, last)
	}
	return a, withinLimit(a.Size, q, w)
}

// judgeUnsatisfied is for 416: the file has no such range.
func judgeUnsatisfied(res *http.Response, q remote.Query, w where) error {
	if q.From == 0 {
		return errNoRanges
	}
	if q.Same != (remote.Identity{}) {
		return changed(w)
	}
	return problem(remote.Refused, "The source %s has no bytes from %d on.", w, q.From)
}

func withinLimit(size int64, q remote.Query, w where) error {
	if q.Limit > 0 && size > q.Limit {
		return problem(remote.TooLarge, "The source %s has %d bytes; at most %d are allowed.", w, size, q.Limit)
	}
	return nil
}

func changed(w where) error {
	return problem(remote.Changed, "The source %s is not the file that was begun with: it has changed in the meantime.", w)
}

func identity(h http.Header, size int64) remote.Identity {
	return remote.Identity{ETag: h.Get("ETag"), Modified: h.Get("Last-Modified"), Size: size}
}

// verdict is how two states of a file compare.
type verdict uint8

const (
	same    verdict = iota // by what both say, or because there is nothing to compare with
	differs                // in something that both say
	unknown                // the earlier one had marks, and the later one has none of them
)

// compare holds what a source says now against what it said before. Equal strong ETags outweigh different times, because servers of one file
// often disagree on the time. ETags are compared weakly, because proxies weaken them.
func compare(before, now remote.Identity) verdict {
	if before == (remote.Identity{}) {
		return same
	}
	if before.Size >= 0 && now.Size >= 0 && before.Size != now.Size {
		return differs
	}
	if before.ETag != "" && now.ETag != "" {
		if strings.TrimPrefix(before.ETag, "W/") != strings.TrimPrefix(now.ETag, "W/") {
			return differs
		}
		if isStrong(before.ETag) && isStrong(now.ETag) {
			return same
		}
	}
	if before.Modified != "" && now.Modified != "" {
		if before.Modified != now.Modified {
			return differs
		}
		return same
	}
	if before.ETag != "" && now.ETag != "" || before.ETag == "" && before.Modified == "" {
		return same
	}
	return unknown
}

// contentRange is a Content-Range: the bytes first to last of total, which is -1 when it was not said.
type contentRange struct{ first, last, total int64 }

// rangeError is what is wrong with a Content-Range.
type rangeError string

func (e rangeError) Error() string { return string(e) }

// parseContentRange reads "bytes 0-499/1234" or "bytes 0-499/*", RFC 9110, section 14.4, and nothing that only resembles it.
func parseContentRange(values []string) (contentRange, error) {
	if len(values) != 1 {
		return contentRange{}, rangeError("there is not one Content-Range")
	}
	unit, rest, _ := strings.Cut(values[0], " ")
	span, total, slash := strings.Cut(rest, "/")
	first, last, dash := strings.Cut(span, "-")
	if !strings.EqualFold(unit, "bytes") || !slash || !dash {
		return contentRange{}, rangeError("Content-Range is not like bytes 0-499/1234")
	}
	r := contentRange{total: -1}
	var ok [3]bool
	r.first, ok[0] = parseCount(first)
	r.last, ok[1] = parseCount(last)
	if ok[2] = total == "*"; !ok[2] {
		r.total, ok[2] = parseCount(total)
	}
	if ok != [3]bool{true, true, true} {
		return contentRange{}, rangeError("Content-Range has something that is no number")
	}
	if r.first > r.last || r.total >= 0 && r.last >= r.total || r.last == maxCount {
		return contentRange{}, rangeError("Content-Range names bytes that cannot be")
	}
	return r, nil
}

// maxCount is the largest int64: a last byte there would have no length that fits.
const maxCount = 1<<63 - 1

// parseCount reads decimal digits and nothing else: no sign, no blank.
func parseCount(s string) (int64, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}
