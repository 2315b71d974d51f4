package lambdahost

import (
	"bytes"
	"encoding/json"
	"io"
	"sync"
	"time"
)

// maxLine is how many bytes of a line are passed on as one: the size of an event in CloudWatch Logs.
const maxLine = 256 << 10

// output takes what functions and their platform write, line by line.
type output struct {
	mu   sync.Mutex
	to   io.Writer
	each func(function, line string)
}

func (o *output) line(function string, text []byte) {
	if o.each != nil {
		o.each(function, string(text))
	}
	if o.to == nil {
		return
	}
	whole := make([]byte, 0, len(function)+2+len(text)+1)
	whole = append(append(append(append(whole, function...), ": "...), text...), '\n')
	o.mu.Lock()
	defer o.mu.Unlock()
	_, _ = o.to.Write(whole) // a log that takes nothing stops no function
}

// lines cuts what one process writes into lines.
type lines struct {
	function string
	out      *output
	rest     []byte
}

// Write passes on every line that is complete.
func (l *lines) Write(b []byte) (int, error) {
	l.rest = append(l.rest, b...)
	for {
		i := bytes.IndexByte(l.rest, '\n')
		switch {
		case i >= 0:
			l.out.line(l.function, l.rest[:i])
			l.rest = l.rest[i+1:]
		case len(l.rest) >= maxLine:
			l.out.line(l.function, l.rest[:maxLine])
			l.rest = l.rest[maxLine:]
		default:
			return len(b), nil
		}
	}
}

// flush passes on what no line break follows.
func (l *lines) flush() {
	if len(l.rest) > 0 {
		l.out.line(l.function, l.rest)
	}
	l.rest = nil
}

// platformLine is a line of Lambda's own in the JSON log format.
type platformLine struct {
	Time   string         `json:"time"`
	Type   string         `json:"type"`
	Record platformRecord `json:"record"`
}

type platformRecord struct {
	RequestID string             `json:"requestId,omitempty"`
	Init      string             `json:"initializationType,omitempty"`
	Phase     string             `json:"phase,omitempty"`
	Metrics   map[string]float64 `json:"metrics"`
	Status    string             `json:"status"`
	ErrorType string             `json:"errorType,omitempty"`
}

// report is Lambda's platform.report of an invocation that did not succeed.
func (o *output) report(pr *process, inv *invocation, status, kind string) {
	took := ms(time.Since(inv.began))
	o.platform(pr, platformLine{Type: "platform.report", Record: platformRecord{
		RequestID: inv.id, Status: status, ErrorType: kind,
		Metrics: map[string]float64{"durationMs": took, "billedDurationMs": float64(int(took) + 1), "memorySizeMB": float64(pr.pool.function.MemoryMB)},
	}})
}

// initReport is Lambda's platform.initReport of a process that did not get ready.
func (o *output) initReport(pr *process, status, kind string) {
	o.platform(pr, platformLine{Type: "platform.initReport", Record: platformRecord{
		Init: "on-demand", Phase: "init", Status: status, ErrorType: kind, Metrics: map[string]float64{"durationMs": ms(time.Since(pr.began))},
	}})
}

func (o *output) platform(pr *process, l platformLine) {
	l.Time = time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	text, err := json.Marshal(l)
	if err != nil {
		panic(err) // it holds texts and finite numbers
	}
	o.line(pr.pool.function.Name, text)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
