package main

import (
	"bytes"
	"sync"
)

// keepLines is how much of a log is kept, in bytes.
const keepLines = 4 << 10

// lastLines keeps the end of what is written to it, for whoever wants to know why something failed.
type lastLines struct {
	mu   sync.Mutex
	text []byte
}

// Write takes b.
func (l *lastLines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, b...)
	if over := len(l.text) - keepLines; over > 0 {
		l.text = append([]byte(nil), l.text[over:]...)
	}
	return len(b), nil
}

// String is what was kept, from the first whole line on.
func (l *lastLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.text
	if len(text) == keepLines {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	return string(text)
}
