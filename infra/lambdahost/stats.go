package lambdahost

import (
	"slices"
	"time"
)

// Stats is what a function did and what it took, since the host began.
type Stats struct {
	Processes     int           // now
	PeakProcesses int           // the most at once
	PIDs          []int         // of the processes now, in ascending order
	Idle          int           // processes that wait for an event
	Queued        int           // invocations that wait for a process
	ColdStarts    int           // processes that were started
	LastInit      time.Duration // of the last start, until the process asked for its first event
	Invocations   int           // that ended
	Errors        int           // of those, the ones that failed
	Resident      int64         // bytes of all processes now; 0 where /proc is missing
	PeakResident  int64         // bytes, the most that one process ever had; 0 where /proc is missing
}

// Stats is how a function is doing. An unknown one does nothing. A process that was killed by others is not among PeakResident unless Stats was
// called while it lived.
func (h *Host) Stats(name string) Stats {
	p := h.pools[name]
	if p == nil {
		return Stats{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for pr := range p.live {
		p.stats.PeakResident = max(p.stats.PeakResident, pr.resident("VmHWM"))
	}
	s := p.stats
	s.Processes, s.Idle, s.Queued = len(p.live), len(p.idle), len(p.waiting)
	for pr := range p.live {
		s.PIDs = append(s.PIDs, pr.cmd.Process.Pid)
		s.Resident += pr.resident("VmRSS")
	}
	slices.Sort(s.PIDs)
	return s
}
