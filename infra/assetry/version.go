package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// What `make install` puts in by -X. Without it, what Go itself notes of the checkout.
var (
	version string
	commit  string
)

func versionShow() command {
	return command{
		name: "version", brief: "say which version this is", offline: true,
		run: func(context.Context, *call) (answer, error) {
			v, rev := built()
			return answer{
				json: map[string]string{"version": v, "commit": rev, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH},
				text: func(out io.Writer) {
					fmt.Fprintf(out, "assetry %s (commit %s, %s, %s/%s)\n", v, rev, runtime.Version(), runtime.GOOS, runtime.GOARCH)
				},
			}, nil
		},
	}
}

// built is the version and the commit of this program.
func built() (v, rev string) {
	v, rev = version, commit
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return cmp.Or(v, "unknown"), cmp.Or(rev, "unknown")
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			rev = cmp.Or(rev, s.Value)
		}
	}
	return cmp.Or(v, info.Main.Version, "(devel)"), cmp.Or(rev, "unknown")
}
