package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/assetry/assetry/infra/bars"
)

// Whose memory is watched.
const (
	gatewayMemory  = "memory: gateway and host"
	bucketMemory   = "memory: bucket"
	tablesMemory   = "memory: DynamoDB Local"
	functionMemory = "memory: largest function process"
	fleetMemory    = "memory: all function processes"
	totalMemory    = "memory: everything"
)

var memoryRows = []struct {
	name string
	most float64 // MB; 0: no bar
}{
	{gatewayMemory, maxGatewayMB}, {bucketMemory, 0}, {tablesMemory, 0}, {functionMemory, bars.Memory / 1e6}, {fleetMemory, 0}, {totalMemory, maxTotalMB},
}

// memoryEvery is the time between two looks: each reads a file of every process of the machine.
const memoryEvery = time.Second

// memoryWatch notes how much memory a process and what it started have at most, in bytes.
type memoryWatch struct {
	ending chan struct{}
	peaks  chan map[string]int64
}

// watchMemory watches the local stack. Where the system has no /proc it sees nothing.
func watchMemory(stack int) *memoryWatch {
	w := &memoryWatch{make(chan struct{}), make(chan map[string]int64, 1)}
	go func() {
		peaks := map[string]int64{}
		look := time.NewTicker(memoryEvery)
		defer look.Stop()
		for {
			for name, bytes := range residentBelow(stack) {
				peaks[name] = max(peaks[name], bytes)
			}
			select {
			case <-look.C:
			case <-w.ending:
				w.peaks <- peaks
				return
			}
		}
	}()
	return w
}

// stop ends the watch and gives the most that was seen of each.
func (w *memoryWatch) stop() map[string]int64 {
	close(w.ending)
	return <-w.peaks
}

// residentBelow is what a stack and its processes have now.
func residentBelow(stack int) map[string]int64 {
	now := map[string]int64{}
	add := func(name string, pid int) {
		n := resident(pid)
		now[name] += n
		now[totalMemory] += n
		if name == fleetMemory {
			now[functionMemory] = max(now[functionMemory], n)
		}
	}
	add(gatewayMemory, stack)
	own, _ := os.Readlink("/proc/" + strconv.Itoa(stack) + "/exe") // "" without /proc
	for _, pid := range children(stack) {
		program, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe")
		switch {
		case err != nil: // it has just ended
		case program == own:
			add(bucketMemory, pid)
		case filepath.Base(program) == "java":
			add(tablesMemory, pid)
		default:
			add(fleetMemory, pid)
		}
	}
	return now
}

// children are the processes that a process started.
func children(pid int) []int {
	var all []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // none without /proc
	for _, file := range stats {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // it has just ended
		}
		// "pid (name) state parent ...": a name may hold anything, so what counts begins after the last parenthesis.
		fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
		if len(fields) < 2 {
			continue
		}
		if parent, err := strconv.Atoi(string(fields[1])); err == nil && parent == pid {
			child, _ := strconv.Atoi(filepath.Base(filepath.Dir(file))) // the pattern wants digits
			all = append(all, child)
		}
	}
	return all
}

// resident is how many bytes of a process are in memory.
func resident(pid int) int64 {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(b)
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(string(fields[1]), 10, 64) // the kernel writes numbers
	return pages * int64(os.Getpagesize())
}
