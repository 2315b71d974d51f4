// Command assetry is the operator's tool: it makes workspaces and keys, ends keys and links, and puts right what broke, on a stack in AWS
// or on the data folder of a local one.
//
//	go run ./infra/assetry help
//
// It calls the same domain as the functions do, on nobody's behalf: whoever may reach the table may do everything. On AWS it uses the
// credentials and the region that AWS's own tools would use. It never reads the root key, and shows no secret but that of a key it has just
// made, once.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/assetry/assetry/infra/local/versity"
)

func main() {
	versity.MainIfChild()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	p := &program{in: os.Stdin, out: os.Stdout, err: os.Stderr, asks: terminal(os.Stdin) && terminal(os.Stderr), draws: terminal(os.Stderr)}
	code := p.run(ctx, os.Args[1:])
	os.Exit(code)
}

// terminal says whether somebody sits at the other end of a file.
func terminal(f *os.File) bool {
	i, err := f.Stat()
	return err == nil && i.Mode()&os.ModeCharDevice != 0
}
