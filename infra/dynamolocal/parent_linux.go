package dynamolocal

import "syscall"

// withParent has the kernel kill the child when this process is gone, however it went.
func withParent(a *syscall.SysProcAttr) *syscall.SysProcAttr {
	a.Pdeathsig = syscall.SIGKILL
	return a
}
