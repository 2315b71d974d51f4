// Package state is the data folder of a local stack: who holds it, its settings, and its root key.
//
//	settings.json   the key, the client, the workspace and the ports, mode 0600
//	root.key        the key that all signing secrets are derived from, mode 0600
//	table.db        the table
//	search.db       the search index
//	queue.db        what has not been delivered yet, and how far the stream's consumers have come
//	events.jsonl    the event bus: one domain event a line, as EventBridge would deliver it
//	failed/         events that no function could handle, a file each, as Lambda writes them
//	s3/             the bucket
//	dynamodb/       with -lambda, the tables in place of table.db and search.db
//	functions.log   with -lambda, what the functions wrote since the start
//	lock            held while a stack runs on the folder, and shared by operators' tools
package state

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/assetry/assetry/shared/secret"
)

// The file that makes a folder one of a local stack, and the key beside it.
const (
	settingsFile = "settings.json"
	rootFile     = "root.key"
)

// Folder is a data folder. Close it to let others have it.
type Folder struct {
	path    string
	lock    *os.File
	running bool
}

// Settings survive restarts.
type Settings struct {
	Addr        string `json:"addr"`    // the API's, with its port
	S3Addr      string `json:"s3_addr"` // the bucket's, with its port
	S3AccessKey string `json:"s3_access_key"`
	S3SecretKey string `json:"s3_secret_key"`
	Workspace   string `json:"workspace_id"`
	APIKey      string `json:"api_key"`
	Orders      Client `json:"orders"`
	// TableAddr is the address of DynamoDB Local, where that keeps the tables; "" where SQLite does.
	TableAddr string `json:"table_addr,omitempty"`
}

// Open makes the folder if it is absent, and takes it for a stack: one process at a time.
func Open(path string) (*Folder, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("data folder %s: %w", path, err)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	f, err := hold(path, syscall.LOCK_EX)
	if err == nil && f.running {
		f.Close()
		return nil, fmt.Errorf("another local stack is running on %s, or a tool is at work there; stop it, or give this one a folder of its own with -data", path)
	}
	return f, err
}

// Look finds the folder of a stack that was started before, for a tool that works beside the stack, and beside other tools. While no stack
// runs none can start until the folder is closed. Nothing is made: a folder that no stack has used is an error.
func Look(path string) (*Folder, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("data folder %s: %w", path, err)
	}
	for _, name := range []string{settingsFile, rootFile} {
		if _, err := os.Stat(filepath.Join(path, name)); err != nil {
			return nil, fmt.Errorf("%s is not the data folder of a local stack (%w); start one there with `make run`, or name another folder", path, err)
		}
	}
	return hold(path, syscall.LOCK_SH)
}

// hold opens the lock, and takes it unless a stack or, for an exclusive lock, a tool has it.
func hold(path string, how int) (*Folder, error) {
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	err = syscall.Flock(int(lock.Fd()), how|syscall.LOCK_NB)
	if err != nil && !errors.Is(err, syscall.EWOULDBLOCK) {
		_ = lock.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return &Folder{path, lock, err != nil}, nil
}

// Running says that a stack ran on the folder when Look found it.
func (f *Folder) Running() bool { return f.running }

// Path is the folder's, absolute.
func (f *Folder) Path() string { return f.path }

// File is the path of a file in the folder.
func (f *Folder) File(name string) string { return filepath.Join(f.path, name) }

// Close lets others have the folder.
func (f *Folder) Close() { _ = f.lock.Close() }

// Settings reads what an earlier start kept; a new folder has only keys for the bucket.
func (f *Folder) Settings() (Settings, error) {
	var s Settings
	b, err := os.ReadFile(f.File(settingsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Settings{S3AccessKey: "assetry", S3SecretKey: rand.Text()}, nil
	}
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("%s: %w; it is made by the stack, restore it or start with another folder", f.File(settingsFile), err)
	}
	if s.S3AccessKey == "" || s.S3SecretKey == "" {
		return s, fmt.Errorf("%s has no keys of the bucket; it is made by the stack, restore it or start with another folder", f.File(settingsFile))
	}
	return s, nil
}

// Keep writes the settings, whole or not at all.
func (f *Folder) Keep(s Settings) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return WriteFile(f.File(settingsFile), append(b, '\n'))
}

// Root reads the root key, or draws one for a new folder.
func (f *Folder) Root() (secret.Root, error) {
	b, err := os.ReadFile(f.File(rootFile))
	if errors.Is(err, fs.ErrNotExist) {
		root := secret.NewRoot()
		return root, WriteFile(f.File(rootFile), []byte(root.Encode()+"\n"))
	}
	if err != nil {
		return secret.Root{}, err
	}
	root, err := secret.ParseRoot(string(b))
	if err != nil {
		return root, fmt.Errorf("%s: %w", f.File(rootFile), err)
	}
	return root, nil
}

// WriteFile writes a file that only its owner may read, whole or not at all.
func WriteFile(path string, b []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	if _, err := tmp.Write(b); err != nil {
		_ = tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
