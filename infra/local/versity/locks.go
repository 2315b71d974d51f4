package versity

import (
	"io"
	"slices"
	"sync"

	"github.com/versity/versitygw/s3api/middlewares"
	"github.com/versity/versitygw/s3err"
)

// The engine moves files when a version is written over or removed, and looks at them several times when it reads one. In between a
// reader could get the bytes of another version, and two removals could leave one of both behind. S3 does neither. So what changes
// the files of a key excludes everything else on that key, and a listing of versions excludes every change.

// locks are the keys in use.
type locks struct {
	changes sync.RWMutex // held shared while files change, alone while they are listed
	mu      sync.Mutex
	keys    map[string]*keyLock
}

type keyLock struct {
	sync.RWMutex
	users int
}

func newLocks() *locks { return &locks{keys: map[string]*keyLock{}} }

func (l *locks) use(name string) *keyLock {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.keys[name]
	if k == nil {
		k = &keyLock{}
		l.keys[name] = k
	}
	k.users++
	return k
}

func (l *locks) leave(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k := l.keys[name]; k.users > 1 {
		k.users--
	} else {
		delete(l.keys, name)
	}
}

// read keeps the files of a key as they are until the returned function is called.
func (l *locks) read(bucket, key string) (unlock func()) {
	name := bucket + "/" + key
	k := l.use(name)
	k.RLock()
	return func() { k.RUnlock(); l.leave(name) }
}

// change excludes everybody else from some keys of a bucket until the returned function is called.
func (l *locks) change(bucket string, keys ...string) (unlock func()) {
	slices.Sort(keys)
	keys = slices.Compact(keys)
	held := make([]*keyLock, len(keys))
	for i, key := range keys {
		held[i] = l.use(bucket + "/" + key)
		held[i].Lock()
	}
	l.changes.RLock()
	return func() {
		l.changes.RUnlock()
		for i, key := range keys {
			held[i].Unlock()
			l.leave(bucket + "/" + key)
		}
	}
}

// list keeps all files as they are until the returned function is called.
func (l *locks) list() (unlock func()) {
	l.changes.Lock()
	return l.changes.Unlock
}

// arriving is the body of a PUT or a part. The key is locked once all of it has come, so that a slow client holds up nobody. A lock that
// is refused is the body's error: nothing is stored. So is an end before the announced size, which the engine takes for the end of the
// body when a client goes away in the middle.
type arriving struct {
	io.Reader
	left   int64 // announced and not yet read, in bytes; below 0 from the start: nothing was announced
	lock   func() (unlock func(), err error)
	unlock func()
}

// announced is the size of a body that has one.
func announced(length *int64) int64 {
	if length == nil {
		return -1
	}
	return *length
}

func (a *arriving) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	if a.left > 0 {
		a.left -= int64(n)
	}
	if err == io.EOF && a.left > 0 {
		return n, s3err.GetAPIError(s3err.ErrIncompleteBody)
	}
	if err == io.EOF && a.unlock == nil {
		unlock, refused := a.lock()
		if refused != nil {
			return n, refused
		}
		a.unlock = unlock
	}
	return n, err
}

// done gives the key free again.
func (a *arriving) done() {
	if a.unlock != nil {
		a.unlock()
	}
}

// checkedBody is an arriving body whose checksum follows it: the engine asks the body for that.
type checkedBody struct {
	*arriving
	middlewares.ChecksumReader
}

// Read reads the body; both embedded types have one.
func (c checkedBody) Read(p []byte) (int, error) { return c.arriving.Read(p) }

// body gives what the engine is to read.
func (a *arriving) body() io.Reader {
	if c, ok := a.Reader.(middlewares.ChecksumReader); ok {
		return checkedBody{a, c}
	}
	return a
}
