package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/assetry/assetry/infra/roomscan"
	"github.com/assetry/assetry/shared/pointcloud/xyz"
)

// minPlainRatio is the bar for reading points, to a plain line reader: DESIGN.md, "Numbers to hold".
const minPlainRatio = 2.5

// reader reads a file of lines with so many columns, and says how many points it has and how long that took.
type reader struct {
	name string
	read func(file string, columns int) (points int64, took time.Duration, err error)
}

// clouds are the files that are read.
var clouds = []struct {
	name    string
	columns roomscan.Columns
	count   int
}{
	{"x y z", roomscan.XYZ, 3},
	{"x y z intensity r g b", roomscan.XYZIRGB, 7},
}

// xyz measures how fast point clouds are read from files, beside other readers.
func (b *bench) xyz(ctx context.Context) (result, error) {
	size, rounds := int64(b.pick(100, 10))<<20, b.pick(5, 3)
	p, err := b.startPeers(ctx)
	if err != nil {
		return result{}, err
	}
	defer p.stop()
	readers := []reader{
		{"ours", fromFile(readPoints)},
		{"a plain line reader (bufio, strconv)", fromFile(readPlain)},
		{"pandas.read_csv", p.reader("pandas")},
		{"numpy.loadtxt", p.reader("numpy")},
	}
	res := result{
		Title: "Reading of point clouds",
		Notes: []string{
			fmt.Sprintf("Millions of points a second, from files of %d MiB that are in memory, on one thread, all columns as numbers; medians over %d rounds, in turns.", size>>20, rounds),
			"The ratio says how many times as fast as the others the first one is.",
		},
		Columns: []string{"points", "rate", "ratio"},
	}
	for _, c := range clouds {
		rows, err := b.readInTurns(ctx, filepath.Join(b.dir, fmt.Sprintf("%d.xyz", c.count)), roomscan.Scan{Seed: 1, Columns: c.columns}, c.count, size, rounds, readers)
		if err != nil {
			return result{}, err
		}
		for _, r := range rows {
			r.Name = c.name + ": " + r.Name
			res.Rows = append(res.Rows, r)
		}
	}
	return res, nil
}

// readInTurns lets every reader read the file once unmeasured, and then in turns.
func (b *bench) readInTurns(ctx context.Context, file string, s roomscan.Scan, columns int, size int64, rounds int, readers []reader) ([]row, error) {
	points, err := writeScan(file, s, size)
	if err != nil {
		return nil, err
	}
	rates := make([][]float64, len(readers))
	for round := range rounds + 1 {
		b.progress("round %d of %d", round, rounds)
		for i, r := range readers {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			got, took, err := r.read(file, columns)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", r.name, err)
			}
			if got != points {
				return nil, fmt.Errorf("%s: %d points, want %d", r.name, got, points)
			}
			if round > 0 {
				rates[i] = append(rates[i], float64(points)/took.Seconds()/1e6)
			}
		}
	}
	var rows []row
	for i, r := range readers {
		cells := map[string]quantity{"points": {float64(points), unitCount}, "rate": {median(rates[i]), unitMillions}}
		if i > 0 {
			cells["ratio"] = quantity{median(rates[0]) / median(rates[i]), unitRatio}
		}
		rows = append(rows, row{Name: r.name, Cells: cells})
	}
	rows[1].holdLeast("ratio", minPlainRatio)
	return rows, nil
}

func writeScan(file string, s roomscan.Scan, size int64) (points int64, err error) {
	f, err := os.Create(file)
	if err != nil {
		return 0, err
	}
	points, err = s.Write(f, size)
	return points, errors.Join(err, f.Close())
}

// fromFile opens the file and measures the reading of it.
func fromFile(read func(f io.Reader, columns int) (int64, error)) func(string, int) (int64, time.Duration, error) {
	return func(file string, columns int) (points int64, took time.Duration, err error) {
		began := time.Now()
		f, err := os.Open(file)
		if err != nil {
			return 0, 0, err
		}
		points, err = read(f, columns)
		return points, time.Since(began), errors.Join(err, f.Close())
	}
}

func readPoints(f io.Reader, _ int) (n int64, err error) {
	r := xyz.NewReader(f, xyz.State{})
	for points := make([]xyz.Point, 1024); err == nil; {
		var got int
		got, err = r.Read(points)
		n += int64(got)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// readPlain reads as one would without giving it a thought.
func readPlain(f io.Reader, columns int) (n int64, err error) {
	point := make([]float64, columns)
	for s := bufio.NewScanner(f); ; n++ {
		if !s.Scan() {
			return n, s.Err()
		}
		for i, field := range strings.Fields(s.Text()) {
			if point[i], err = strconv.ParseFloat(field, 64); err != nil {
				return n, err
			}
		}
	}
}

// peers is a process that reads with other libraries.
type peers struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
}

// startPeers starts it, and brings the libraries where they are not there yet.
func (b *bench) startPeers(ctx context.Context) (*peers, error) {
	install := exec.CommandContext(ctx, "go", "run", "./infra/tools", "install", "peers")
	install.Dir, install.Stdout, install.Stderr = b.root, b.out, b.out
	if err := install.Run(); err != nil {
		return nil, fmt.Errorf("install numpy and pandas: %w", err)
	}
	python := filepath.Join(b.root, ".tools", "peers", "bin", "python")
	cmd := exec.CommandContext(ctx, python, filepath.Join(b.root, "infra", "bench", "peers.py"))
	cmd.Env = append(os.Environ(), "OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1")
	cmd.Stderr = b.out
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &peers{cmd, in, json.NewDecoder(out)}, cmd.Start()
}

// reader gives the reader with a library's name.
func (p *peers) reader(name string) func(string, int) (int64, time.Duration, error) {
	return func(file string, columns int) (int64, time.Duration, error) {
		if err := json.NewEncoder(p.in).Encode(map[string]any{"reader": name, "file": file, "columns": columns}); err != nil {
			return 0, 0, err
		}
		var answer struct {
			Points  int64   `json:"points"`
			Seconds float64 `json:"seconds"`
		}
		err := p.out.Decode(&answer)
		return answer.Points, time.Duration(answer.Seconds * float64(time.Second)), err
	}
}

// stop ends the process. What it was asked for is done, so that nothing can be lost.
func (p *peers) stop() {
	p.in.Close()
	p.cmd.Wait()
}
