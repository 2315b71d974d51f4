package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/assetry/assetry/infra/child"
	"github.com/assetry/assetry/infra/flock"
)

const (
	startLimit = time.Minute      // to answer; half a second is usual
	stopLimit  = 20 * time.Second // to stop its containers; a second is usual
)

// daemon is an engine of our own.
type daemon struct {
	host    string
	run     string // folder of its socket
	free    func() // lets another engine run
	process *child.Child
}

// startDaemon starts dockerd and returns once it answers.
func startDaemon(ctx context.Context, o Options) (_ *daemon, err error) {
	program, err := findDaemon()
	if err != nil {
		return nil, err
	}
	d := &daemon{}
	defer func() {
		if err != nil {
			d.release()
		}
	}()
	if d.free, err = alone(ctx, o); err != nil {
		return nil, err
	}
	// In a folder of its own below /tmp: a socket's path may have no more than 107 bytes.
	if d.run, err = os.MkdirTemp("", "assetry-docker-"); err != nil {
		return nil, err
	}
	d.host = "unix://" + filepath.Join(d.run, "docker.sock")
	cmd, err := d.command(program, o.Dir)
	if err != nil {
		return nil, err
	}
	if d.process, err = child.Start(cmd, syscall.SIGTERM); err != nil {
		return nil, err
	}
	a := newAPI(d.host)
	defer a.close()
	return d, d.process.Await(startLimit, func() (bool, error) { return a.ping(ctx) == nil, ctx.Err() })
}

var errNotRoot = errors.New("dockerd is installed and has to be run by root; start it, and let this user reach it")

// findDaemon finds dockerd, also where only root looks.
func findDaemon() (string, error) {
	for _, name := range []string{"dockerd", "/usr/sbin/dockerd"} {
		if p, err := exec.LookPath(name); err == nil {
			if os.Geteuid() != 0 {
				return "", errNotRoot
			}
			return p, nil
		}
	}
	return "", errors.New("dockerd is not installed; Debian's package is docker.io, and `make test` installs it as root")
}

func (d *daemon) command(program, dir string) (*exec.Cmd, error) {
	data, err := realPath(filepath.Join(dir, "data"))
	if err != nil {
		return nil, err
	}
	settings := filepath.Join(d.run, "daemon.json")
	if err := os.WriteFile(settings, []byte("{}"), 0o600); err != nil {
		return nil, err
	}
	// vfs works on every file system. Firewall rules are the machine's business, and containers here only talk to the machine.
	cmd := exec.Command(program, "--config-file="+settings, "--storage-driver=vfs", "--iptables=false", "--ip6tables=false", "--ip-forward=false",
		"--data-root="+data, "--exec-root="+filepath.Join(d.run, "exec"), "--pidfile="+filepath.Join(d.run, "pid"), "--host="+d.host)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	return cmd, nil
}

// realPath makes the folder if it is absent and resolves links to it, which runc refuses in the path of a container's files.
func realPath(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", err
	}
	return filepath.Abs(dir)
}

// alone waits until no other engine of ours runs on this machine, and keeps others waiting until free is called.
func alone(ctx context.Context, o Options) (free func(), err error) {
	free, err = flock.Wait(ctx, filepath.Join(os.TempDir(), "assetry-docker.lock"), func() {
		o.tell("waiting for another program that runs a Docker engine for Assetry on this machine")
	})
	if err != nil {
		return nil, fmt.Errorf("wait for another engine to end: %w", err)
	}
	return free, nil
}

// close ends the engine and its containers.
func (d *daemon) close(a *api) {
	ctx, cancel := context.WithTimeout(context.Background(), stopLimit)
	defer cancel()
	_ = a.removeContainers(ctx) // what is left ends with the engine, and goes at the next start's end
	d.release()
}

func (d *daemon) release() {
	if d.process != nil {
		d.process.Stop(stopLimit)
	}
	if d.run != "" {
		_ = os.RemoveAll(d.run)
	}
	if d.free != nil {
		d.free()
	}
}
