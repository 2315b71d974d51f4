package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"

	"github.com/assetry/assetry/infra/docker"
)

// need is a program that a tool is made with or runs on.
type need struct {
	names     []string // as looked up in PATH, best first
	version   []string // arguments that print the version; nil: any version will do
	major     int      // oldest major version that works
	minor     int
	have      func() bool // whether it is there, where the names do not tell; nil: they do
	debian    string      // packages that bring it on Debian
	elsewhere string      // where others get it
}

var (
	needJava   = need{names: []string{"java"}, version: []string{"-version"}, major: 17, debian: "openjdk-17-jre-headless", elsewhere: "a Java runtime, 17 or newer"}
	needMaven  = need{names: []string{"mvn"}, debian: "maven", elsewhere: "Apache Maven"}
	needPython = need{names: []string{"python3"}, version: []string{"--version"}, major: 3, minor: 10, debian: "python3 python3-venv", elsewhere: "Python, 3.10 or newer, with venv"}
	needNode   = need{names: []string{"node"}, version: []string{"--version"}, major: 20, debian: "nodejs", elsewhere: "Node.js, 20 or newer"}
	needNpm    = need{names: []string{"npm"}, debian: "npm", elsewhere: "npm, which comes with Node.js"}
	needCC     = need{names: []string{"cc", "gcc", "clang"}, debian: "gcc libc6-dev", elsewhere: "a C compiler, as cc in PATH"}
	needCurl   = need{names: []string{"curl"}, debian: "curl", elsewhere: "curl"}
	needDocker = need{names: []string{"dockerd"}, have: docker.Installed, debian: "docker.io", elsewhere: "a Docker engine that this user reaches, as unix:///var/run/docker.sock or in DOCKER_HOST"}
	needShell  = need{names: []string{"busybox"}, have: docker.HasShell, debian: "busybox-static", elsewhere: "BusyBox, linked statically, as busybox in PATH"}
	needChrome = need{names: []string{"chromium", "chromium-browser", "google-chrome"}, debian: "chromium", elsewhere: "Chromium or Chrome, as chromium in PATH"}
)

// lackError says that the machine lacks something which this program may not or cannot install.
type lackError struct{ text string }

// Error says what is missing and what to type.
func (e *lackError) Error() string { return e.text }

// path looks the program up; "" when it is absent.
func (n need) path() string {
	if n.have != nil {
		if n.have() {
			return n.names[0]
		}
		return ""
	}
	for _, name := range n.names {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
	}
	return ""
}

// meet makes sure that every need is there in a version that works, installing Debian's packages where that is allowed: as root, on Debian.
func meet(ctx context.Context, needs []need) error {
	var missing []string
	var others []string
	for _, n := range needs {
		if n.path() == "" {
			missing = append(missing, n.debian)
			others = append(others, n.elsewhere)
		}
	}
	if len(missing) > 0 {
		if err := apt(ctx, strings.Join(missing, " "), strings.Join(others, "; ")); err != nil {
			return err
		}
	}
	for _, n := range needs {
		if err := n.checkVersion(ctx); err != nil {
			return err
		}
	}
	return nil
}

func apt(ctx context.Context, packages, others string) error {
	command := "apt-get update && apt-get install -y --no-install-recommends " + packages
	if _, err := os.Stat("/etc/debian_version"); err != nil {
		return &lackError{"this machine lacks: " + others + ". Install it and run the command again."}
	}
	if os.Geteuid() != 0 {
		return &lackError{"this machine lacks Debian packages. Install them as root and run the command again:\n    " + command}
	}
	say("Debian packages %s: not on this machine yet", packages)
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	return quiet(cmd)
}

var versionNumber = regexp.MustCompile(`(\d+)(?:\.(\d+))?`)

func (n need) checkVersion(ctx context.Context) error {
	p := n.path()
	if p == "" {
		return &lackError{"this machine lacks: " + n.elsewhere}
	}
	if n.version == nil {
		return nil
	}
	out, err := exec.CommandContext(ctx, p, n.version...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ask %s for its version: %w: %s", p, err, out)
	}
	m := versionNumber.FindStringSubmatch(string(out))
	if m == nil {
		return fmt.Errorf("%s states no version: %s", p, out)
	}
	major, _ := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[2])
	if major < n.major || major == n.major && minor < n.minor {
		return &lackError{fmt.Sprintf("%s is version %d.%d; needed is %s", p, major, minor, n.elsewhere)}
	}
	return nil
}
