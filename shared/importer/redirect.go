package importer

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/assetry/assetry/shared/guard"
	"github.com/assetry/assetry/shared/redact"
	"github.com/assetry/assetry/shared/remote"
)

// maxRedirects is how many are followed; more is a sign of a loop that changes its address.
const maxRedirects = 5

// where is what messages call the source: the address that was named, and the one that it led to.
type where struct{ first, now string }

// String names host and path, never a query.
func (w where) String() string {
	if w.first == w.now {
		return w.first
	}
	return w.now + " (redirected from " + w.first + ")"
}

// follow asks the query's address, and whatever it redirects to. The caller closes the answer's body.
func (im *Importer) follow(ctx context.Context, q remote.Query) (*http.Response, where, error) {
	w := where{redact.URL(q.Address), redact.URL(q.Address)}
	u, err := im.permission.ParseURL(q.Address, field)
	if err != nil {
		return nil, w, refusedAddress(err, w)
	}
	seen := map[string]bool{}
	for {
		seen[u.String()] = true
		res, err := im.transport.RoundTrip(request(ctx, u, q))
		if err != nil {
			return nil, w, failed(err, w)
		}
		if !isRedirect(res.StatusCode) {
			return res, w, nil
		}
		_ = res.Body.Close() // whatever it says, nobody reads it
		next, err := im.next(u, res.Header, w)
		if err != nil {
			return nil, w, err
		}
		w.now = redact.URL(next.String())
		if seen[next.String()] {
			return nil, w, problem(remote.Redirects, "The source %s redirects in a circle; send the address of the file itself.", w)
		}
		if len(seen) > maxRedirects {
			return nil, w, problem(remote.Redirects, "The source %s redirects more than %d times; send the address of the file itself.", w, maxRedirects)
		}
		u = next
	}
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// next is where an answer redirects to, checked like the address that was named.
func (im *Importer) next(from *url.URL, h http.Header, w where) (*url.URL, error) {
	locations := h.Values("Location")
	if len(locations) != 1 || locations[0] == "" {
		return nil, problem(remote.Redirects, "The source %s redirects without saying where to.", w)
	}
	to, err := from.Parse(locations[0])
	if err != nil {
		return nil, problem(remote.Redirects, "The source %s redirects to something that is no address.", w)
	}
	if from.Scheme == "https" && to.Scheme != "https" {
		return nil, problem(remote.Redirects, "The source %s redirects from https to %.20s, which is not followed.", w, to.Scheme)
	}
	checked, err := im.permission.ParseURL(to.String(), field)
	if err != nil {
		w.now = redact.URL(to.String())
		return nil, refusedAddress(err, w)
	}
	return checked, nil
}

// refusedAddress is an address that the rules refuse before anybody is asked.
func refusedAddress(err error, w where) error {
	reason, text := remote.Redirects, "The source %s has an address that is not followed: %s."
	if blocked := (*guard.Blocked)(nil); errors.As(err, &blocked) {
		reason, text = remote.Blocked, "The source %s leads to an address that must not be reached: %s."
	}
	if w.first == w.now && reason == remote.Redirects {
		reason = remote.Malformed
	}
	e := problem(reason, text, w, fieldMessage(err))
	e.Cause = err
	return e
}
