package lambdahost

import "syscall"

// attributes keep the signals of a terminal from functions, and have the kernel end them with their host, however that ends.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
