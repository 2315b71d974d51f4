package xyz

import (
	"bytes"
	"errors"
	"io"
)

// maxQuiet is how many bytes Read passes over without a point before it returns none.
const maxQuiet = 4 << 20

// Read reads points into dst, and says how many. Like an io.Reader it gives io.EOF at the end, and an error of the source when what came
// before it is read; State is then where a new Reader can go on. It gives fewer points than fit, or none, where many lines are none, so that
// its caller may look at the clock.
func (r *Reader) Read(dst []Point) (n int, err error) {
	for until := r.state.Offset + maxQuiet; n < len(dst); {
		line, err := r.line()
		if err != nil {
			return n, err
		}
		why := r.point(line, &dst[n])
		if why == good {
			n++
			r.state.Points++
			continue
		}
		if why != none {
			r.bad(why)
		}
		if r.state.Offset > until {
			break
		}
	}
	return n, nil
}

// line gives the next line without its end, and counts it. It is valid until the next call. It is empty for a piece of a line that is too
// long, which counts as bad when that is found out.
func (r *Reader) line() ([]byte, error) {
	if r.last == 0 {
		if err := r.ahead(); err != nil {
			return nil, err
		}
	}
	end := bytes.IndexByte(r.buf[r.at:r.end], '\n')
	for end < 0 {
		if r.state.Within || r.end-r.at > MaxLine {
			return nil, r.pass()
		}
		if err := r.fill(); err != nil {
			return r.rest(err)
		}
		end = bytes.IndexByte(r.buf[r.at:r.end], '\n')
	}
	line := r.buf[r.at : r.at+end]
	r.at += end + 1
	r.state.Offset += int64(end) + 1
	if r.state.Within { // its end at last
		r.state.Within = false
		return nil, nil
	}
	r.state.Line++
	if end > MaxLine {
		r.bad(unreadable)
		return nil, nil
	}
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line, nil
}

// rest gives what is left when the source gives no more: the last line, if it lacks its end.
func (r *Reader) rest(err error) ([]byte, error) {
	if !errors.Is(err, io.EOF) || r.at == r.end {
		return nil, err
	}
	line := r.buf[r.at:r.end]
	r.state.Offset += int64(len(line))
	r.at = r.end
	r.state.Line++
	return bytes.TrimSuffix(line, []byte("\r")), nil
}

// pass counts a line as too long, once, and passes over what is there of it.
func (r *Reader) pass() error {
	if !r.state.Within {
		r.state.Within = true
		r.state.Line++
		r.bad(unreadable)
	}
	r.state.Offset += int64(r.end - r.at)
	r.at = r.end
	return r.fill()
}

// fill makes room and reads more bytes; at least one where it gives no error.
func (r *Reader) fill() error {
	if r.err != nil {
		return r.err
	}
	copy(r.buf, r.buf[r.at:r.end])
	r.at, r.end = 0, r.end-r.at
	n, err := io.ReadAtLeast(r.src, r.buf[r.end:], 1)
	r.end += n
	if err != nil {
		r.err = err
	}
	return err
}

// ahead fills the buffer before the first point, so that what its lines decide does not hang on how the bytes came.
func (r *Reader) ahead() error {
	for r.end-r.at < MaxLine+len("\r\n")+sample {
		if err := r.fill(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

func (r *Reader) bad(why verdict) {
	b := &r.state.Bad
	switch why {
	case notANumber:
		b.NaN++
	case outOfRange:
		b.OutOfRange++
	default:
		b.Unreadable++
	}
	if len(b.Lines) < MaxBadLines {
		b.Lines = append(b.Lines, r.state.Line)
	}
}
