package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"net/http"
	"strconv"
	"strings"
)

// minGzip is the shortest body that is worth compressing: what fits into one packet is not.
const minGzip = 1400

// Compress lets the answer to a request be compressed, by gzip at its fastest level, for a client that takes it. The answer then says that it
// depends on Accept-Encoding.
func Compress(ctx context.Context) {
	if s := stateOf(ctx); s != nil {
		s.compress = true
	}
}

// TakesGzip says whether a client takes an answer that is compressed by gzip (RFC 9110, 12.5.3).
func TakesGzip(r *http.Request) bool {
	any := false
	for header := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		coding, params, _ := strings.Cut(header, ";")
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			return wanted(params)
		case "*":
			any = wanted(params)
		}
	}
	return any
}

// wanted says whether parameters have no q, or one above zero.
func wanted(params string) bool {
	for p := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if strings.EqualFold(name, "q") {
			q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			return err == nil && q > 0
		}
	}
	return true
}

// compress turns the body into gzip's where that is allowed, asked for and worth it.
func (d *draft) compress(r *http.Request) {
	if s := stateOf(r.Context()); s == nil || !s.compress {
		return
	}
	d.header.Add("Vary", "Accept-Encoding")
	if d.body.Len() < minGzip || d.header.Get("Content-Encoding") != "" || !TakesGzip(r) {
		return
	}
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err != nil {
		return // only a level that does not exist is refused
	}
	if _, err := w.Write(d.body.Bytes()); err != nil || w.Close() != nil {
		return // a buffer takes everything
	}
	d.header.Set("Content-Encoding", "gzip")
	d.body = packed
}
