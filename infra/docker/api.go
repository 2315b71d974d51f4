package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// askLimit bounds a question to an engine. It answers within milliseconds.
const askLimit = 10 * time.Second

// api is the Engine API over a Unix socket, as far as it is used here.
type api struct {
	host string // unix:///…
	http *http.Client
}

func newAPI(host string) *api {
	path := strings.TrimPrefix(host, "unix://")
	return &api{host: host, http: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}}}
}

func (a *api) close() { a.http.CloseIdleConnections() }

// statusError is an answer other than success.
type statusError struct {
	status int
	text   string
}

// Error is what the engine said.
func (e *statusError) Error() string {
	return fmt.Sprintf("the engine answered %d: %s", e.status, e.text)
}

// do sends a request and decodes the answer into answer, unless that is nil. A body is a tar archive.
func (a *api) do(ctx context.Context, method, path string, body io.Reader, answer any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://docker"+path, body)
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/x-tar")
	}
	res, err := a.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return &statusError{res.StatusCode, strings.TrimSpace(string(text))}
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(text, answer)
}

// ask is do without a body, in bounded time.
func (a *api) ask(ctx context.Context, method, path string, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	return a.do(ctx, method, path, nil, answer)
}

func (a *api) ping(ctx context.Context) error { return a.ask(ctx, http.MethodGet, "/version", nil) }

// gateway is the address that the network "bridge" has on this machine.
func (a *api) gateway(ctx context.Context) (string, error) {
	var network struct {
		IPAM struct{ Config []struct{ Gateway string } }
	}
	if err := a.ask(ctx, http.MethodGet, "/networks/bridge", &network); err != nil {
		return "", fmt.Errorf("ask for the bridge of containers: %w", err)
	}
	for _, c := range network.IPAM.Config {
		if ip := net.ParseIP(c.Gateway); ip != nil && ip.To4() != nil {
			return c.Gateway, nil
		}
	}
	return "", fmt.Errorf("%w: the bridge of containers has no address", ErrAbsent)
}

// hasImage says whether the engine has an image of this name.
func (a *api) hasImage(ctx context.Context, name string) (bool, error) {
	err := a.ask(ctx, http.MethodGet, "/images/"+name+"/json", nil)
	var status *statusError
	if errors.As(err, &status) && status.status == http.StatusNotFound {
		return false, nil
	}
	return err == nil, err
}

// load makes an image of one layer from a tar archive.
func (a *api) load(ctx context.Context, name string, layer io.Reader, changes []string) error {
	repository, tag, _ := strings.Cut(name, ":")
	q := url.Values{"fromSrc": {"-"}, "repo": {repository}, "tag": {tag}, "changes": changes}
	if err := a.do(ctx, http.MethodPost, "/images/create?"+q.Encode(), layer, nil); err != nil {
		return fmt.Errorf("make image %s: %w", name, err)
	}
	if ok, err := a.hasImage(ctx, name); err != nil || !ok {
		return errors.Join(fmt.Errorf("image %s was made and is not there", name), err)
	}
	return nil
}

// removeContainers removes every container, running or not.
func (a *api) removeContainers(ctx context.Context) error {
	var all []struct{ ID string }
	if err := a.ask(ctx, http.MethodGet, "/containers/json?all=1", &all); err != nil {
		return err
	}
	var errs []error
	for _, c := range all {
		errs = append(errs, a.ask(ctx, http.MethodDelete, "/containers/"+c.ID+"?force=1", nil))
	}
	return errors.Join(errs...)
}
