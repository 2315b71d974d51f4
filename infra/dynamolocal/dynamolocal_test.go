package dynamolocal_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/assetry/assetry/infra/dynamolocal"
	"github.com/assetry/assetry/shared/enginetest"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/dynamo"
)

// envParent has this binary start a server, print its process id, and wait to be killed.
const envParent = "ASSETRY_TEST_DYNAMOLOCAL_PARENT"

func TestMain(m *testing.M) {
	if os.Getenv(envParent) != "" {
		s, err := dynamolocal.Start(context.Background(), dynamolocal.Options{Root: enginetest.Root()})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(s.PID())
		select {}
	}
	os.Exit(m.Run())
}

func start(t *testing.T, o dynamolocal.Options) *dynamolocal.Server {
	t.Helper()
	o.Root = enginetest.Root()
	s, err := dynamolocal.Start(t.Context(), o)
	if errors.Is(err, dynamolocal.ErrAbsent) {
		enginetest.Missing(t, "DynamoDB Local")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// client signs as somebody: with -sharedDb everybody sees the same tables.
func client(s *dynamolocal.Server, accessKey string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(s.Endpoint()),
		Credentials: credentials.NewStaticCredentialsProvider(accessKey, "secret", ""),
	})
}

func TestAFolderKeepsTheTable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "database")
	first := start(t, dynamolocal.Options{Dir: dir})
	if err := dynamo.Create(t.Context(), client(first, "one"), "kept", nil); err != nil {
		t.Fatal(err)
	}
	item := table.Item{table.AttrPK: table.String("a"), table.AttrSK: table.String("b"), "n": table.Int(7)}
	if _, err := dynamo.New(client(first, "one"), "kept", dynamo.Options{}).Write(t.Context(), table.Put(item, table.Absent())); err != nil {
		t.Fatal(err)
	}
	first.Stop()
	first.Stop()
	select {
	case <-first.Done():
	default:
		t.Error("Stop returned before the server was gone")
	}

	second := start(t, dynamolocal.Options{Dir: dir})
	got, err := dynamo.New(client(second, "another"), "kept", dynamo.Options{}).Get(t.Context(), item.Key(), table.Strong)
	if err != nil || got["n"] != table.Int(7) {
		t.Errorf("after a restart, Get = %v, %v; want the item that was written", got, err)
	}
}

func TestAServerThatIsKilledSaysSo(t *testing.T) {
	s := start(t, dynamolocal.Options{})
	if err := s.Err(); err != nil {
		t.Errorf("Err of a running server = %v, want nil", err)
	}
	if err := syscall.Kill(s.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("Done is still open 10 s after the process was killed")
	}
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("Err = %v, want it to say that it was killed", err)
	}
}

func TestAPortInUseIsRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	s, err := dynamolocal.Start(t.Context(), dynamolocal.Options{Root: enginetest.Root(), Port: port})
	if errors.Is(err, dynamolocal.ErrAbsent) {
		enginetest.Missing(t, "DynamoDB Local")
	}
	if err == nil {
		s.Stop()
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("Start on port %d, which is in use: %v, want EADDRINUSE", port, err)
	}
}

func TestWithoutAnInstallationTheErrorSaysWhatBringsIt(t *testing.T) {
	_, err := dynamolocal.Start(t.Context(), dynamolocal.Options{Root: t.TempDir()})
	if !errors.Is(err, dynamolocal.ErrAbsent) || !strings.Contains(err.Error(), "infra/tools install dynamodb") {
		t.Errorf("Start = %v, want ErrAbsent and the command that installs it", err)
	}
}

func TestAServerDiesWithItsParent(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells children of their parent's death")
	}
	enginetest.Tool(t, "dynamodb", "lib")
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), envParent+"=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	pid, notNumber := strconv.Atoi(strings.TrimSpace(line))
	if killed := parent.Process.Kill(); err != nil || notNumber != nil || killed != nil {
		t.Fatalf("the parent said %q: %v, %v, %v", line, err, notNumber, killed)
	}
	_ = parent.Wait()
	gone := time.After(10 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for alive(pid) {
		select {
		case <-gone:
			_ = syscall.Kill(pid, syscall.SIGKILL)
			t.Fatalf("process %d is alive 10 s after its parent was killed", pid)
		case <-tick.C:
		}
	}
}

// alive says whether a process runs; one that nobody has reaped yet does not.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}
