package surface

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// The media types of answers: that of "GraphQL over HTTP", and the one that clients took before it.
const (
	MediaGraphQL = "application/graphql-response+json"
	MediaJSON    = "application/json"
)

// MediaOf is the media type of the answer to a request: MediaGraphQL for a client whose Accept names it, MediaJSON for any other.
func MediaOf(r *http.Request) string {
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		name, params, err := mime.ParseMediaType(part)
		if err != nil || name != MediaGraphQL {
			continue
		}
		if q, err := strconv.ParseFloat(params["q"], 64); params["q"] == "" || err == nil && q > 0 {
			return MediaGraphQL
		}
	}
	return MediaJSON
}
