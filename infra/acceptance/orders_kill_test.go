package acceptance_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/assetry/assetry/infra/orderer"
	"github.com/assetry/assetry/infra/roomscan"
)

const (
	orderKills     = 5
	slowOrderKills = 2               // in the shape that takes seconds to start
	killWithin     = 1500            // milliseconds from a submission to the kill, at most; the work takes about as long
	orderLimit     = 8 * time.Minute // from a restart until the order is completed: the lease of the worker that was killed, the next request, and the work
	orderLook      = time.Second     // between two looks: a client may ask so much in an hour
	killedScan     = 12_000_000      // bytes
	perScan        = 3               // deliverables: a report, a picture, a page
)

// TestOrdersOutliveKills kills the whole stack at random moments of the work on an order, again and again over one folder. After each restart the
// order completes by itself, with each deliverable once.
func TestOrdersOutliveKills(t *testing.T) {
	t.Logf("repeat with: go test ./infra/acceptance -run %s -seed %d", t.Name(), *seed)
	random := rand.New(rand.NewPCG(*seed, 1))
	var scan bytes.Buffer
	if _, err := (roomscan.Scan{Seed: 2}).Write(&scan, killedScan); err != nil {
		t.Fatal(err)
	}
	kills, data := orderKills, t.TempDir()
	if deployed() {
		kills = slowOrderKills
	}
	var orders []string
	for n := range kills {
		s := start(t, data)
		o, err := s.orderer(t).Order(t.Context(), fmt.Sprintf("Kill %d", n), scan.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		orders = append(orders, o.ID)
		<-time.After(time.Duration(random.IntN(killWithin)) * time.Millisecond)
		stands, err := s.orderer(t).Look(t.Context(), o.ID)
		s.kill()
		t.Logf("killed while the order was %s, %v", stands.Status, err)
	}
	s := start(t, data)
	for _, order := range orders {
		s.wantDelivered(t, order)
	}
	if all := len(newClient(s).everything(t)); all != len(orders)*(1+perScan) {
		t.Errorf("the workspace has %d assets, want a scan and %d deliverables for each of %d orders", all, perScan, len(orders))
	}
}

// orderer signs the stack's client in.
func (s *stack) orderer(t *testing.T) *orderer.Client {
	t.Helper()
	c, err := orderer.SignIn(t.Context(), http.DefaultClient, s.API, s.Orders.Client, s.Orders.Secret)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// wantDelivered waits for the end of an order, and holds what it delivers against its report.
func (s *stack) wantDelivered(t *testing.T, order string) {
	t.Helper()
	o := s.orderer(t)
	var got orderer.Order
	var err error
	var looked time.Time
	s.await(t, orderLimit, "the order "+order+" ends", func() bool {
		if time.Since(looked) < orderLook {
			return false
		}
		looked = time.Now()
		got, err = o.Look(t.Context(), order)
		return err != nil || got.Ended()
	})
	if err != nil || got.Status != "COMPLETED" || len(got.Deliverables) != perScan {
		t.Fatalf("order %s ended as %+v, %v; want it completed with %d deliverables", order, got, err, perScan)
	}
	var report struct {
		Scan struct{ Bytes int64 }
		View struct {
			Sums map[string]string `json:"sha256"`
		}
	}
	sums := map[string]string{}
	for _, d := range got.Deliverables {
		b, err := o.Download(t.Context(), d.ID)
		if err != nil || len(b) != int(d.Size) {
			t.Errorf("%s has %d bytes, %v; want %v", d.Name, len(b), err, d.Size)
		}
		sum := sha256.Sum256(b)
		sums[d.Name] = hex.EncodeToString(sum[:])
		if d.Type == "application/json" {
			if err := json.Unmarshal(b, &report); err != nil {
				t.Errorf("the report is %.200q, %v", b, err)
			}
		}
	}
	for name, sum := range report.View.Sums {
		if sums[name] != sum {
			t.Errorf("the view %q has the sum %q, and by its report %q", name, sums[name], sum)
		}
	}
	if report.Scan.Bytes < killedScan*9/10 || len(report.View.Sums) != perScan-1 {
		t.Errorf("the report is about %d bytes and names %d views", report.Scan.Bytes, len(report.View.Sums))
	}
}
