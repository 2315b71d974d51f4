package main

import (
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
// notes in a file which rights the functions use.
func (d *deployed) watched(file string, endpoints map[string]string) (map[string]string, error) {
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
	behind := map[string]string{} // an engine's address to the one before it
	out := map[string]string{}
	for service, engine := range endpoints {
		if behind[engine] == "" {
			if behind[engine], err = d.before(r, engine); err != nil {
				return nil, err
			}
		}
		out[service] = behind[engine]
	}
	return out, nil
}

// before starts a recorder's proxy of an engine and gives its address.
func (d *deployed) before(r *recorder.Recorder, engine string) (address string, err error) {
	h, err := r.Proxy(engine)
	if err != nil {
		return "", err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
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
