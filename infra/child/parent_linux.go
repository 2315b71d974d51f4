package child

import "syscall"

// withParent has the kernel signal the child when this process is gone, however it went.
func withParent(a *syscall.SysProcAttr, death syscall.Signal) *syscall.SysProcAttr {
	a.Pdeathsig = death
	return a
}
