package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// machine is what the numbers were measured on.
type machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	System string `json:"system"` // operating system and architecture
	Go     string `json:"go"`
	Load   string `json:"load"` // load average over a minute at the beginning; "" where the system does not say
}

// String is the machine in one line.
func (m machine) String() string {
	s := fmt.Sprintf("%s, %d cores, %s, %s", m.CPU, m.Cores, m.System, m.Go)
	if m.Load != "" {
		s += ", load " + m.Load + " at the beginning"
	}
	return s
}

func thisMachine() machine {
	m := machine{CPU: runtime.GOARCH + " processor", Cores: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version()}
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil { // Linux only; elsewhere the architecture has to do
		if model := cpuModel(string(info)); model != "" {
			m.CPU = model
		}
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load, _, _ = strings.Cut(string(load), " ")
	}
	return m
}

// cpuModel finds the model in Linux's description of the processors; "" when it is not stated, as on many ARM machines.
func cpuModel(info string) string {
	for line := range strings.Lines(info) {
		name, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// cpuTime is what this process has used of the processors so far, the collecting of garbage included.
func cpuTime() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("read the time used: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}
