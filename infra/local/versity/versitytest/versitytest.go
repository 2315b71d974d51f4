package versitytest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/assetry/assetry/infra/local/versity"
)

// The account of every test server.
const (
	AccessKey = "AKIATESTTESTTESTTEST"
	SecretKey = "test-secret-of-the-local-bucket-0000000"
)

// Server is the shared child and a bucket of the test's own.
type Server struct {
	*versity.Server
	Bucket string
}

var shared struct {
	sync.Mutex
	server  *versity.Server
	dir     string
	buckets int
}

// handlers are the tests that listen to the events of their bucket.
var handlers sync.Map // bucket -> func(versity.Event)

// Main runs the tests and stops the child. It is also where a child of the test binary begins.
func Main(m *testing.M) {
	versity.MainIfChild()
	code := m.Run()
	if shared.server != nil {
		shared.server.Close()
		os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

// Start gives the test a fresh, versioned bucket that any origin may use, on the shared child.
func Start(t testing.TB) *Server {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if err := startShared(); err != nil {
		t.Fatalf("start the local S3: %v", err)
	}
	shared.buckets++
	name := fmt.Sprintf("test-%d", shared.buckets)
	if err := shared.server.MakeBucket(context.Background(), name, versity.CORS{Origins: []string{"*"}}); err != nil {
		t.Fatalf("make the test's bucket: %v", err)
	}
	t.Cleanup(func() { handlers.Delete(name) })
	return &Server{Server: shared.server, Bucket: name}
}

// OnEvent sets who hears of the objects made in this bucket, until the test ends. The writer's answer waits for f.
func (s *Server) OnEvent(f func(versity.Event)) { handlers.Store(s.Bucket, f) }

func startShared() error {
	if shared.server != nil {
		return nil
	}
	dir, err := os.MkdirTemp("", "assetry-s3-")
	if err != nil {
		return err
	}
	s, err := versity.Start(context.Background(), versity.Config{
		Dir: dir, AccessKey: AccessKey, SecretKey: SecretKey, Bucket: "shared",
		OnEvent: dispatch, Stderr: os.Stderr,
	})
	if err != nil {
		os.RemoveAll(dir)
		return err
	}
	shared.server, shared.dir = s, dir
	return nil
}

func dispatch(e versity.Event) {
	if f, ok := handlers.Load(e.Bucket); ok {
		f.(func(versity.Event))(e)
	}
}
