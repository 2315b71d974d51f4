//go:build unix

package lambdahost

import "syscall"

// freeze stops the process as it is, as Lambda does with one that waits for an event.
func (pr *process) freeze() { pr.signal(syscall.SIGSTOP) }

// thaw has the process go on.
func (pr *process) thaw() { pr.signal(syscall.SIGCONT) }

func (pr *process) signal(s syscall.Signal) {
	if !pr.pool.host.options.Thawed {
		_ = pr.cmd.Process.Signal(s) // fails only for a process that has ended
	}
}
