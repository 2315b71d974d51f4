package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"slices"
)

// logs take the lines that functions write: all of them go to a file, and those about failures to the terminal too.
type logs struct {
	file *os.File
	loud io.Writer
}

// openLogs begins the file anew: it has what the functions of one start wrote.
func openLogs(path string, loud io.Writer) (*logs, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &logs{f, loud}, nil
}

// Write takes one line, "name: text".
func (l *logs) Write(line []byte) (int, error) {
	if _, text, found := bytes.Cut(line, []byte(": ")); found && failure(text) {
		_, _ = l.loud.Write(line) // the file has it too
	}
	return l.file.Write(line)
}

// failure says whether a line is about something that went wrong: of level ERROR, or a report of Lambda's about an invocation that did not
// succeed, or no JSON, which only a program writes that is about to end.
func failure(text []byte) bool {
	var l struct {
		Level  string `json:"level"`
		Error  string `json:"errorMessage"` // of a panic, as the runtime reports it
		Record struct {
			Status string `json:"status"`
		} `json:"record"`
	}
	if json.Unmarshal(text, &l) != nil {
		return true
	}
	return l.Level == "ERROR" || l.Error != "" || slices.Contains([]string{"error", "failure", "timeout"}, l.Record.Status)
}

func (l *logs) close() { _ = l.file.Close() }
