package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"crypto/rand"

	"github.com/assetry/assetry/shared/secret"
)

// folder is the data folder, held by one process at a time.
//
//	settings.json   the key, the workspace and the ports, mode 0600
//	root.key        the key that all signing secrets are derived from, mode 0600
//	table.db        the table
//	search.db       the search index
//	queue.db        what has not been delivered yet, and how far the stream's consumers have come
//	events.jsonl    the event bus: one domain event a line, as EventBridge would deliver it
//	s3/             the bucket
//	lock            held while a stack runs on the folder
type folder struct {
	path string
	lock *os.File
}

// settings survive restarts.
type settings struct {
	Addr        string `json:"addr"`    // the API's, with its port
	S3Addr      string `json:"s3_addr"` // the bucket's, with its port
	S3AccessKey string `json:"s3_access_key"`
	S3SecretKey string `json:"s3_secret_key"`
	Workspace   string `json:"workspace_id"`
	APIKey      string `json:"api_key"`
}

// openFolder makes the folder if it is absent, and takes it.
func openFolder(path string) (*folder, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("data folder %s: %w", path, err)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("another local stack is running on %s; stop it, or give this one a folder of its own with -data", path)
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return &folder{path, lock}, nil
}

func (f *folder) close() { _ = f.lock.Close() }

func (f *folder) file(name string) string { return filepath.Join(f.path, name) }

// settings reads what an earlier start kept; a new folder has only keys for the bucket.
func (f *folder) settings() (settings, error) {
	var s settings
	b, err := os.ReadFile(f.file("settings.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return settings{S3AccessKey: "assetry", S3SecretKey: rand.Text()}, nil
	}
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("%s: %w; it is made by the stack, restore it or start with another folder", f.file("settings.json"), err)
	}
	if s.S3AccessKey == "" || s.S3SecretKey == "" {
		return s, fmt.Errorf("%s has no keys of the bucket; it is made by the stack, restore it or start with another folder", f.file("settings.json"))
	}
	return s, nil
}

func (f *folder) keep(s settings) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(f.file("settings.json"), append(b, '\n'))
}

// root reads the root key, or draws one for a new folder.
func (f *folder) root() (secret.Root, error) {
	b, err := os.ReadFile(f.file("root.key"))
	if errors.Is(err, fs.ErrNotExist) {
		root := secret.NewRoot()
		return root, writeFile(f.file("root.key"), []byte(root.Encode()+"\n"))
	}
	if err != nil {
		return secret.Root{}, err
	}
	root, err := secret.ParseRoot(string(b))
	if err != nil {
		return root, fmt.Errorf("%s: %w", f.file("root.key"), err)
	}
	return root, nil
}

// writeFile writes a file that only its owner may read, whole or not at all.
func writeFile(path string, b []byte) error {
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
