// Command tools brings what the tests need beside Go, and runs them: AWS's DynamoDB Local, the vendors' Node packages, Python with
// media encoders and SAM, Debian's Chromium. Everything lands in the ignored folder .tools, once, in the versions that the files
// beside this one and infra/acceptance/node/package-lock.json pin; a changed pin installs anew.
//
//	tools install [NAME...]     install the named tools, or all that tests need
//	tools dynamodb              run DynamoDB Local in the foreground until interrupted
//	tools test [PACKAGE...]     install everything, start DynamoDB Local, run the tests; a skipped test is a failure
//
// Exit codes: 0 done; 1 a test or an installation failed; 2 this machine lacks something that only its owner can add.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "tools:", err)
	var lack *lackError
	if errors.As(err, &lack) {
		os.Exit(2)
	}
	os.Exit(1)
}

func run(ctx context.Context, args []string) error {
	root, err := repository()
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return errors.New("say what to do: install [NAME...], dynamodb, or test [PACKAGE...]")
	}
	switch verb, rest := args[0], args[1:]; verb {
	case "install":
		return install(ctx, root, rest)
	case "dynamodb":
		return serveDynamoDB(ctx, root)
	case "test":
		return test(ctx, root, rest)
	default:
		return fmt.Errorf("unknown command %q: install, dynamodb and test are known", verb)
	}
}

// repository finds the top folder: the nearest one upwards with a go.mod.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod here or above: run it inside the repository")
		}
		dir = parent
	}
}
