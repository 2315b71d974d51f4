package gateway

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// CORS is the CorsConfiguration of an HTTP API. When it is there, the gateway alone decides: it answers preflight requests and
// replaces what functions say.
type CORS struct {
	AllowOrigins     []string // exact origins, *, https://* or http://*
	AllowMethods     []string
	AllowHeaders     []string
	ExposeHeaders    []string
	MaxAge           int // seconds; 0 leaves the browser its default
	AllowCredentials bool
}

func newCORS(config any) (*CORS, error) {
	m, ok := config.(map[string]any)
	if !ok { // SAM's short form: true, or one origin
		if config == true {
			config = "*"
		}
		return &CORS{AllowOrigins: texts(config), AllowMethods: []string{"*"}, AllowHeaders: []string{"*"}}, nil
	}
	c := &CORS{
		AllowOrigins: texts(m["AllowOrigins"]), AllowMethods: texts(m["AllowMethods"]), AllowHeaders: texts(m["AllowHeaders"]),
		ExposeHeaders: texts(m["ExposeHeaders"]), AllowCredentials: text(m["AllowCredentials"]) == "true",
	}
	c.MaxAge, _ = integer(m["MaxAge"])
	if c.AllowCredentials && slices.Contains(c.AllowOrigins, "*") {
		return nil, fmt.Errorf("CorsConfiguration: AllowCredentials is refused by API Gateway together with the origin *; name the origins")
	}
	return c, nil
}

// isPreflight says whether a browser asks for permission. Another OPTIONS request is routed like any method.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// preflight answers 204, with permission or without a word about it.
func (c *CORS) preflight(w http.ResponseWriter, r *http.Request) {
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
func (c *CORS) apply(h http.Header, r *http.Request) {
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

func (c *CORS) origin(h http.Header, origin string) {
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

func (c *CORS) allowsOrigin(origin string) bool {
	return slices.ContainsFunc(c.AllowOrigins, func(o string) bool {
		scheme, wild := strings.CutSuffix(o, "*")
		return strings.EqualFold(o, origin) || (wild && strings.HasPrefix(strings.ToLower(origin), scheme))
	})
}

func (c *CORS) allowsHeaders(r *http.Request) bool {
	for _, name := range texts(r.Header.Get("Access-Control-Request-Headers")) {
		if !allows(c.AllowHeaders, name) {
			return false
		}
	}
	return true
}

func allows(list []string, name string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return s == "*" || strings.EqualFold(s, name) })
}
