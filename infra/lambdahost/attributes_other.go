//go:build !unix

package lambdahost

import "syscall"

// attributes are the defaults.
func attributes() *syscall.SysProcAttr { return nil }
