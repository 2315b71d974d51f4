//go:build !unix

package lambdahost

// freeze does nothing: there is no way here to stop a process as it is.
func (pr *process) freeze() {}

// thaw does nothing either.
func (pr *process) thaw() {}
