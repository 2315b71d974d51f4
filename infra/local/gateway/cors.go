package gateway

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/assetry/assetry/infra/template"
)

// cors is the CorsConfiguration of an HTTP API. When it is there, the gateway alone decides: it answers preflight requests and
// replaces what functions say.
type cors template.CORS

// isPreflight says whether a browser asks for permission. Another OPTIONS request is routed like any method.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// preflight answers 204, with permission or without a word about it.
func (c *cors) preflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	method := r.Header.Get("Access-Control-Request-Method")
	if c.allowsOrigin(r.Header.Get("Origin")) && allows(c.AllowMethods, method) && c.allowsHeaders(r) {
		c.origin(h, r.Header.Get("Origin"))
		h.Set("Access-Control-Allow-Methods", strings.Join(c.AllowMethods, ","))
		if len(c.AllowHeaders) > 0 {
			h.Set("Access-Control-Allow-Headers", strings.Join(c.AllowHeaders, ","))
		}
		if c.MaxAge > 0 {
			h.Set("Access-Control-Max-Age", strconv.Itoa(c.MaxAge))
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// apply puts the gateway's word in place of a function's.
func (c *cors) apply(h http.Header, r *http.Request) {
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			h.Del(name)
		}
	}
	o := r.Header.Get("Origin")
	if o == "" || !c.allowsOrigin(o) {
		return
	}
	c.origin(h, o)
	if len(c.ExposeHeaders) > 0 {
		h.Set("Access-Control-Expose-Headers", strings.Join(c.ExposeHeaders, ","))
	}
}

func (c *cors) origin(h http.Header, origin string) {
	if slices.Contains(c.AllowOrigins, "*") {
		origin = "*"
	} else {
		h.Add("Vary", "Origin")
	}
	h.Set("Access-Control-Allow-Origin", origin)
	if c.AllowCredentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
}

func (c *cors) allowsOrigin(origin string) bool {
	return slices.ContainsFunc(c.AllowOrigins, func(o string) bool {
		scheme, wild := strings.CutSuffix(o, "*")
		return strings.EqualFold(o, origin) || (wild && strings.HasPrefix(strings.ToLower(origin), scheme))
	})
}

func (c *cors) allowsHeaders(r *http.Request) bool {
	for name := range strings.SplitSeq(r.Header.Get("Access-Control-Request-Headers"), ",") {
		if name = strings.TrimSpace(name); name != "" && !allows(c.AllowHeaders, name) {
			return false
		}
	}
	return true
}

func allows(list []string, name string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return s == "*" || strings.EqualFold(s, name) })
}
