//go:build unix && !linux

package lambdahost

import "syscall"

// attributes keep the signals of a terminal from functions. A function whose host is gone fails to ask for an event, and exits; one that is
// frozen is hung up by the kernel, because its group has no parent any more.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
