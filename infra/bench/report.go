package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The units of quantities.
const (
	unitMS       = "ms"
	unitUS       = "µs"
	unitMiB      = "MiB"
	unitMB       = "MB"
	unitRatio    = "x"
	unitKiB      = "KiB"
	unitRate     = "MiB/s"
	unitEach     = "/s"
	unitMillions = "M/s"
	unitCount    = ""
)

// quantity is a number with its unit.
type quantity struct {
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

// String shows three digits that count, and never an exponent.
func (q quantity) String() string {
	digits := 0
	switch v := q.Value; {
	case q.Unit == unitCount || v >= 100:
	case v >= 10:
		digits = 1
	case v >= 1:
		digits = 2
	default:
		digits = 3
	}
	s := strconv.FormatFloat(q.Value, 'f', digits, 64)
	if q.Unit == unitCount {
		return s
	}
	return s + " " + q.Unit
}

// bar is the most that a cell of a row should be, or the least.
type bar struct {
	Column string   `json:"column"`
	Limit  quantity `json:"limit"`
	Least  bool     `json:"least,omitempty"`
	Held   bool     `json:"held"`
}

// String says whether the bar was held.
func (b bar) String() string {
	sign, missed := " <= ", "OVER"
	if b.Least {
		sign, missed = " >= ", "UNDER"
	}
	text := b.Column + sign + strconv.FormatFloat(b.Limit.Value, 'f', -1, 64) + " " + b.Limit.Unit
	if b.Held {
		return text + ": ok"
	}
	return text + ": " + missed
}

// row is one thing that was measured. A column that is not among its cells does not apply to it.
type row struct {
	Name  string              `json:"name"`
	Cells map[string]quantity `json:"cells"`
	Bars  []bar               `json:"bars,omitempty"`
}

// hold compares a cell with the most it should be.
func (r *row) hold(column string, limit float64) {
	cell := r.Cells[column]
	r.Bars = append(r.Bars, bar{Column: column, Limit: quantity{limit, cell.Unit}, Held: cell.Value <= limit})
}

// holdLeast compares a cell with the least it should be.
func (r *row) holdLeast(column string, limit float64) {
	cell := r.Cells[column]
	r.Bars = append(r.Bars, bar{Column: column, Limit: quantity{limit, cell.Unit}, Least: true, Held: cell.Value >= limit})
}

// result is a table of rows, and what a reader has to know to understand it.
type result struct {
	Title   string   `json:"title"`
	Notes   []string `json:"notes"`
	Columns []string `json:"columns"`
	Rows    []row    `json:"rows"`
}

// report is everything that was measured, and on what.
type report struct {
	Machine machine  `json:"machine"`
	Results []result `json:"results"`
}

// lines gives the result as rows of text, its header first. The first column has the names; the last the bars, if there are any.
func (r result) lines() [][]string {
	head := append([]string{""}, r.Columns...)
	barred := false
	for _, row := range r.Rows {
		barred = barred || len(row.Bars) > 0
	}
	if barred {
		head = append(head, "bar")
	}
	lines := [][]string{head}
	for _, row := range r.Rows {
		line := []string{row.Name}
		for _, c := range r.Columns {
			text := ""
			if q, ok := row.Cells[c]; ok {
				text = q.String()
			}
			line = append(line, text)
		}
		if barred {
			var bars []string
			for _, b := range row.Bars {
				bars = append(bars, b.String())
			}
			line = append(line, strings.Join(bars, ", "))
		}
		lines = append(lines, line)
	}
	return lines
}

// text writes the report for a terminal: names and bars to the left, numbers to the right.
func (r report) text(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintln(&b, r.Machine)
	for _, res := range r.Results {
		fmt.Fprintf(&b, "\n%s\n", res.Title)
		for _, n := range res.Notes {
			fmt.Fprintf(&b, "  %s\n", n)
		}
		lines := res.lines()
		widths := widthsOf(lines)
		for _, line := range lines {
			text := "  "
			for i, cell := range line {
				pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
				if i == 0 || i > len(res.Columns) {
					text += "  " + cell + pad
				} else {
					text += "  " + pad + cell
				}
			}
			fmt.Fprintln(&b, strings.TrimRight(text, " "))
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func widthsOf(lines [][]string) []int {
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	return widths
}

// markdown writes the report as README shows it.
func (r report) markdown(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured on %s.\n", r.Machine)
	for _, res := range r.Results {
		fmt.Fprintf(&b, "\n**%s.** %s\n\n", res.Title, strings.Join(res.Notes, " "))
		for i, line := range res.lines() {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(line, " | "))
			if i == 0 {
				fmt.Fprintf(&b, "|---%s|%s\n", strings.Repeat("|---:", len(res.Columns)), strings.Repeat("---|", len(line)-1-len(res.Columns)))
			}
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// write keeps the report in a file as JSON.
func (r report) write(path string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}
