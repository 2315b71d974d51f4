package processing_test

import (
	"testing"

	"github.com/assetry/assetry/shared/order"
)

func TestASubmittedOrderIsCompleted(t *testing.T) {
	onBothDrivers(t, func(t *testing.T, open func(testing.TB) driver) {
		w := newWorld(t, open(t))
		o := w.ordered(t, 100, 3000)
		if n := w.run(t); n != 1 {
			t.Errorf("%d requests for workers, want 1", n)
		}
		w.wantDelivered(t, o, 100, 3000)
		if w.pump(t); len(w.told) == 0 || w.told[len(w.told)-1] != string(order.Completed) {
			t.Errorf("others were told of %v, want the completion last", w.told)
		}
		w.objects(t)
		w.wantDelivered(t, o, 100, 3000)
	})
}
