//go:build unix && !linux

package child

import "syscall"

// withParent changes nothing: outside Linux a child outlives a parent that is killed.
func withParent(a *syscall.SysProcAttr, _ syscall.Signal) *syscall.SysProcAttr { return a }
