// Package flock keeps programs of one machine from doing the same thing at once, by a lock on a file. The kernel gives the lock free
// when its holder ends, however it ends.
package flock

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"
)

// looks is how often a waiter looks whether the lock is free: who holds it works for seconds or minutes.
const looks = 100 * time.Millisecond

// Wait takes the lock on a file, which it makes where there is none, and gives it free by the function that it returns. While another program
// holds it, it calls waiting once and waits until ctx ends.
func Wait(ctx context.Context, path string, waiting func()) (free func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(looks)
	defer tick.Stop()
	for told := false; ; {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(err, f.Close())
		}
		if !told {
			waiting()
			told = true
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), f.Close())
		case <-tick.C:
		}
	}
}
