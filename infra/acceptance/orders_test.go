package acceptance_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/assetry/assetry/infra/roomscan"
	"github.com/assetry/assetry/shared/enginetest"
)

const (
	roomParts = 6 // of 5 MiB: the room is about 30 MB
	roomSent  = 3 // parts that the first process has sent when it is killed
)

// ordering tells a script about orders where the stack, its client and the scan are.
func ordering(t *testing.T, s *stack, room string) []string {
	t.Helper()
	for _, name := range []string{"graphql-request", "@apollo/client", "standardwebhooks", "flora-0.11"} {
		enginetest.Tool(t, "node", "node_modules", name)
	}
	return append(environment(t, s, "flora-0.11"), "ASSETRY_CLIENT_ID="+s.Orders.Client, "ASSETRY_CLIENT_SECRET="+s.Orders.Secret, "ASSETRY_ROOM="+room)
}

// TestOrdersByPublishedClients runs the scripts about orders with GraphQL clients as they are on npm, on a stack that reaches this machine for
// links and webhooks.
func TestOrdersByPublishedClients(t *testing.T) {
	env := ordering(t, start(t, t.TempDir(), "-allow-local-sources"), room(t))
	for _, script := range []string{"orders.test.mjs", "orders-http.test.mjs"} {
		t.Run(script, func(t *testing.T) { runNode(t, env, script) })
	}
}

// TestOrdersRateLimit uses up what a client may ask in an hour, of a stack of its own.
func TestOrdersRateLimit(t *testing.T) {
	runNode(t, ordering(t, start(t, t.TempDir()), ""), "orders-rate.test.mjs")
}

// TestAnOrderIsResumedByAnotherProcess kills a client half-way through the parts of a scan. Another one goes on with what the first had saved,
// submits the order and reads what it delivers.
func TestAnOrderIsResumedByAnotherProcess(t *testing.T) {
	env := ordering(t, anyStack(t), room(t))
	had, again, said := resumed(t, env, "orders-resume.mjs", roomSent)
	if had < roomSent || again > roomParts-roomSent || again == 0 {
		t.Errorf("the second process found %d parts and sent %d, want at least %d and at most %d", had, again, roomSent, roomParts-roomSent)
	}
	if want := "is COMPLETED\nread 3 files\n"; said != want {
		t.Errorf("the second process said %q, want %q", said, want)
	}
}

// roomSize is the length of the scan in bytes.
const roomSize = 30_000_000

// room writes the scan of a flat, with all the columns that there are, and gives its path.
func room(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "room.xyz")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = roomscan.Scan{Seed: 1, Columns: roomscan.XYZIRGB}.Write(f, roomSize)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}
