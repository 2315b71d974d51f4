package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/assetry/assetry/infra/local/sources"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/trigger/change"
	"github.com/assetry/assetry/shared/trigger/object"
)

// localLetters are the dead letters of a queue of a local stack, in its queue.db under the queue's name in template.yaml.
type localLetters struct {
	store       table.Table
	name        string
	queue, dead string
}

var _ deadLetters = localLetters{}

func (q localLetters) source() string { return q.name }

func (q localLetters) each(ctx context.Context, f func(context.Context, deadLetter) (bool, error)) error {
	for l, err := range sources.Letters(ctx, q.store, q.dead) {
		if err != nil {
			return err
		}
		if more, err := f(ctx, localLetter{q, l}); err != nil || !more {
			return err
		}
	}
	return nil
}

// localLetter is one message.
type localLetter struct {
	place localLetters
	sources.Letter
}

func (l localLetter) describe() letterJSON {
	return letterJSON{Source: l.place.name, ID: l.ID, At: l.Sent, About: aboutMessage(l.Body)}
}

// replay moves the message to its queue. A stack that runs finds it there within moments, another one when it starts.
func (l localLetter) replay(ctx context.Context) error {
	return sources.Replay(ctx, l.place.store, l.place.dead, l.Letter, l.place.queue)
}

// fileRecords are failed events in the folder of a local stack, one file each.
type fileRecords struct{ dir string }

var _ records = fileRecords{}

func (r fileRecords) keys(ctx context.Context, f func(string) (bool, error)) error {
	return filepath.WalkDir(filepath.Join(r.dir, filepath.FromSlash(recordPrefix)), func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // nothing has failed yet, or it is gone meanwhile
		case err != nil || ctx.Err() != nil:
			return errors.Join(err, ctx.Err())
		case d.IsDir() || strings.HasSuffix(path, ".part"): // half of a record, which is being written
			return nil
		}
		key, err := filepath.Rel(r.dir, path)
		if err != nil {
			return err
		}
		more, err := f(filepath.ToSlash(key))
		if err == nil && !more {
			return fs.SkipAll
		}
		return err
	})
}

func (r fileRecords) read(_ context.Context, key string) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(r.dir, filepath.FromSlash(key)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errGone
	}
	return b, err
}

func (r fileRecords) remove(_ context.Context, key string) error {
	err := os.Remove(filepath.Join(r.dir, filepath.FromSlash(key)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// localInvoke runs the functions whose failed events are kept, in this process: the same handlers, over the same tables and the same bucket.
func localInvoke(s *boot.Services) invoke {
	handlers := map[string]lambda.Handler{
		"on-object-created": object.Handler(s),
		"stream-publish":    change.Publish(s),
		"stream-cleanup":    change.CleanUp(s),
	}
	return func(ctx context.Context, function string, event []byte) ([]byte, error) {
		name := strings.TrimPrefix(functionName(function), localStack+"-")
		h, known := handlers[name]
		if !known {
			return nil, fmt.Errorf("the function %q keeps no failed events that this tool knows of; a later version may", name)
		}
		if !json.Valid(event) {
			return nil, errors.New("the event is no JSON")
		}
		return h.Invoke(ctx, event)
	}
}
