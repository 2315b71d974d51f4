// Package object takes S3's notifications of new objects and finalizes the uploads they belong to.
//
// S3 invokes the function directly and repeats an invocation that failed twice; what fails still goes to the on-failure
// destination. Events may come twice, late and out of order; Arrived bears that.
package object

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/upload"
)

// Services is what the trigger needs.
type Services interface {
	Uploads() *upload.Service
}

// Handler takes S3 events. Records are independent: one that fails does not stop the others, and the error names them all.
func Handler(s Services) func(context.Context, events.S3Event) error {
	return func(ctx context.Context, e events.S3Event) error {
		var errs []error
		for _, r := range e.Records {
			if err := arrived(ctx, s.Uploads(), r.S3.Object); err != nil {
				errs = append(errs, fmt.Errorf("object %s version %s: %w", r.S3.Object.URLDecodedKey, r.S3.Object.VersionID, err))
			}
		}
		return errors.Join(errs...)
	}
}

func arrived(ctx context.Context, up *upload.Service, o events.S3Object) error {
	src, ok := schema.ParseSource(o.URLDecodedKey)
	if !ok {
		slog.WarnContext(ctx, "object is not a source of ours; ignored", "key", o.URLDecodedKey)
		return nil
	}
	if err := up.Arrived(ctx, src, o.VersionID); err != nil {
		return err
	}
	slog.InfoContext(ctx, "object handled", "workspace", src.Workspace.String(), "asset", src.Asset.String(),
		"generation", src.Generation, "bytes", o.Size)
	return nil
}
