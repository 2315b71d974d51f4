package flock_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/assetry/assetry/infra/flock"
)

func TestOneAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	free, err := flock.Wait(t.Context(), path, func() { t.Error("the first waits") })
	if err != nil {
		t.Fatal(err)
	}
	told, second := make(chan struct{}), make(chan error, 1)
	go func() {
		free, err := flock.Wait(t.Context(), path, func() { close(told) })
		if err == nil {
			free()
		}
		second <- err
	}()
	<-told
	select {
	case err := <-second:
		t.Fatalf("the second did not wait: %v", err)
	default:
	}
	free()
	if err := <-second; err != nil {
		t.Errorf("the second, when the first is done: %v", err)
	}
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	free, err := flock.Wait(t.Context(), path, func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer free()
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := flock.Wait(ctx, path, cancel); !errors.Is(err, context.Canceled) {
		t.Errorf("after its context ended a waiter got %v", err)
	}
}

func TestAFileThatCannotBeMadeIsAnError(t *testing.T) {
	if _, err := flock.Wait(t.Context(), filepath.Join(t.TempDir(), "no", "lock"), func() {}); err == nil {
		t.Error("no error")
	}
}
