package child_test

import (
	"errors"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/assetry/assetry/infra/child"
)

// said is where a program's output goes, line by line.
type said chan string

// Write takes what the program wrote.
func (s said) Write(p []byte) (int, error) {
	s <- string(p)
	return len(p), nil
}

func start(t *testing.T, script string) (*child.Child, said) {
	t.Helper()
	out := make(said, 16)
	cmd := exec.Command("sh", "-c", script)
	cmd.Stdout = out
	c, err := child.Start(cmd, syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Stop(0) })
	return c, out
}

func TestWhoeverDoesNotStopIsKilled(t *testing.T) {
	c, out := start(t, `trap "" TERM; echo up; while :; do sleep 0.05; done`)
	<-out // it ignores the signal from now on
	c.Stop(50 * time.Millisecond)
	c.Stop(50 * time.Millisecond)
	if err := c.Err(); err == nil || !strings.Contains(err.Error(), "killed") || !strings.Contains(err.Error(), "up") {
		t.Errorf("Err = %v, want that it was killed, and what it wrote", err)
	}
}

func TestWhoeverEndsBeforeItAnswersSaysWhy(t *testing.T) {
	c, _ := start(t, `echo "no port is free" >&2; exit 3`)
	err := c.Await(time.Minute, func() (bool, error) { return false, nil })
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "no port is free") {
		t.Errorf("Await = %v, want the status and what it wrote", err)
	}
}

func TestAwaitEndsWithTheAnswerTheFailureOrTheTime(t *testing.T) {
	c, _ := start(t, `echo starting; while :; do sleep 0.05; done`)
	if err := c.Await(time.Minute, func() (bool, error) { return true, nil }); err != nil {
		t.Errorf("once it answers, Await = %v", err)
	}
	refused := errors.New("refused")
	if err := c.Await(time.Minute, func() (bool, error) { return false, refused }); !errors.Is(err, refused) {
		t.Errorf("when asking fails, Await = %v, want %v", err, refused)
	}
	if err := c.Await(60*time.Millisecond, func() (bool, error) { return false, nil }); err == nil || !strings.Contains(err.Error(), "60ms") {
		t.Errorf("when time is up, Await = %v, want it to say so", err)
	}
	if err := c.Err(); err != nil {
		t.Errorf("Err of a running program = %v", err)
	}
}

func TestAProgramThatIsNotThereIsNamed(t *testing.T) {
	if _, err := child.Start(exec.Command("/nowhere/program"), syscall.SIGKILL); err == nil || !strings.Contains(err.Error(), "program") {
		t.Errorf("Start = %v, want an error that names the program", err)
	}
}
