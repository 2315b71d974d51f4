//go:build unix && !linux

package dynamolocal

import "syscall"

// withParent changes nothing: outside Linux a child outlives a parent that is killed.
func withParent(a *syscall.SysProcAttr) *syscall.SysProcAttr { return a }
