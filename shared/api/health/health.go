// Package health answers GET /health: which build this is, and in which region it runs. It is for monitors and for people who deploy: no
// key is needed, nothing is asked of any service, and nothing in the answer is secret.
package health

import (
	"net/http"
	"os"
	"runtime/debug"

	"github.com/assetry/assetry/shared/api/web"
)

// Function is the name of the function that answers.
const Function = "health"

const pattern = "/health"

// Unknown stands for what nobody told a build: a commit where there is no repository, a region where none is set.
const Unknown = "unknown"

// What the Makefile tells the linker; empty in a program that was built without it.
var version, commit string

// devel is Go's own word for a module version that a build does not know.
const devel = "(devel)"

// Build is the answer.
type Build struct {
	Version string `json:"version"` // of the source: a tag such as v1.2.0, or what git or Go say where there is none
	Commit  string `json:"commit"`  // of the repository, 40 hexadecimal digits
	Region  string `json:"region"`  // of AWS
}

// Endpoints are method and path of the route, without its handler.
func Endpoints() []web.Endpoint { return []web.Endpoint{{Method: http.MethodGet, Pattern: pattern}} }

// Region is the one that Lambda runs this function in; "" elsewhere.
func Region() string { return os.Getenv("AWS_REGION") }

// Handler is GET /health for a region. Version and commit are what the Makefile told the linker, else what Go itself wrote into the
// program that runs.
func Handler(region string) http.Handler {
	info, _ := debug.ReadBuildInfo() // nil in a program that was built without modules
	build := describe(Build{version, commit, region}, info)
	return web.Route(http.MethodGet, pattern, web.Plain{}, func(w http.ResponseWriter, _ *http.Request) error {
		return web.JSON(w, http.StatusOK, build)
	})
}

// describe fills in what is missing.
func describe(b Build, info *debug.BuildInfo) Build {
	if info == nil {
		info = &debug.BuildInfo{}
	}
	if b.Version == "" && info.Main.Version != devel {
		b.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && b.Commit == "" {
			b.Commit = s.Value
		}
	}
	for _, field := range []*string{&b.Version, &b.Commit, &b.Region} {
		if *field == "" {
			*field = Unknown
		}
	}
	return b
}
