package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/assetry/assetry/infra/recorder"
	"github.com/assetry/assetry/shared/boot"
)

// watched puts a recorder between the functions and every engine that they call, and gives the addresses under which they call it then. It
// notes in a file which rights the functions use. The bucket is reached by its kept address through the recorder alone: addresses that were
// signed before a restart hold after it.
func (d *deployed) watched(ctx context.Context, file string, endpoints map[string]string) (map[string]string, error) {
	refs, variables := references(d.tmpl), d.tmpl.Functions[0].Environment
	names := map[string]string{
		"s3/" + variables[boot.EnvBucket]: "Bucket", "events/" + here.Stack: "EventBus", "secretsmanager/" + refs[rootKey]: rootKey,
	}
	for id, kind := range d.tmpl.Types {
		if kind == tableType {
			names["dynamodb/"+refs[id]] = id
		}
	}
	r, err := recorder.Open(file, recorder.Stack{Functions: folders(d.tmpl), Names: names})
	if err != nil {
		return nil, err
	}
	d.onClose(func() {
		if err := r.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "local: not every right was noted:", err)
		}
	})
	asked, kept := d.options.s3Addr, d.settings.S3Addr
	bucket, err := listen(ctx, asked, kept)
	if err != nil {
		return nil, inUse(err, asked, "-s3-addr")
	}
	d.settings.S3Addr = bucket.Addr().String()
	behind := map[string]string{} // an engine's address to that of the recorder before it
	if behind[endpoints["S3"]], err = d.before(r, endpoints["S3"], bucket); err != nil {
		return nil, err
	}
	out := map[string]string{}
	for service, engine := range endpoints {
		if behind[engine] == "" {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return nil, err
			}
			if behind[engine], err = d.before(r, engine, listener); err != nil {
				return nil, err
			}
		}
		out[service] = behind[engine]
	}
	return out, nil
}

// before serves a recorder's proxy of an engine and gives its address.
func (d *deployed) before(r *recorder.Recorder, engine string, listener net.Listener) (address string, err error) {
	h, err := r.Proxy(engine)
	if err != nil {
		return "", errors.Join(err, listener.Close())
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(os.Stderr, "recorder: ", 0)}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			d.fail(fmt.Errorf("the recorder before %s ended: %w", engine, err))
		}
	}()
	d.onClose(func() { _ = server.Close() })
	return "http://" + listener.Addr().String(), nil
}

// exclusive refuses flags that only the shape of -lambda has.
func (o options) exclusive() error {
	if o.record != "" && !o.lambda {
		return errors.New("-record notes what the functions of -lambda use; without that they share everything")
	}
	return nil
}
