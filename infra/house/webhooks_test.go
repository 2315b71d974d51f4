package house

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/webhook"
)

// The rule of the bus lets through what the domain sends to webhooks, and nothing else.
func TestTheRuleForWebhooksHasTheTypesThatAreSent(t *testing.T) {
	var want []any
	for _, ty := range webhook.Handled() {
		want = append(want, string(ty))
	}
	pattern := properties(t, "WebhookEventsRule", "EventPattern")
	if diff := cmp.Diff(map[string]any{"source": []any{"assetry"}, "detail-type": want}, pattern); diff != "" {
		t.Errorf("event pattern (-shared/webhook +template.yaml):\n%s", diff)
	}
}

// README shows what is sent of an order; the golden file is what is sent.
func TestReadmeShowsWhatIsSentOfAnOrder(t *testing.T) {
	sent, _, _ := strings.Cut(string(read(t, "shared/webhook/testdata/order.updated.golden")), "\n")
	if !strings.Contains(string(read(t, "README.md")), "\n"+sent+"\n") {
		t.Errorf("README.md does not show %s", sent)
	}
}

// README tells how long a delivery is tried; the domain decides it.
func TestReadmeHasTheTableOfAttempts(t *testing.T) {
	var waits []string
	for _, w := range webhook.Waits() {
		if w%time.Hour == 0 {
			waits = append(waits, fmt.Sprintf("%d h", w/time.Hour))
		} else {
			waits = append(waits, fmt.Sprintf("%d min", w/time.Minute))
		}
	}
	last := len(waits) - 1
	want := "at once, then after " + strings.Join(waits[:last], ", ") + " and " + waits[last]
	if !strings.Contains(string(read(t, "README.md")), want) {
		t.Errorf("README.md does not say %q", want)
	}
	if webhook.MaxAttempts() != 10 || webhook.MaxFailures != 20 || webhook.MaxWebhooks != 10 {
		t.Error("README.md says ten attempts, 20 dead deliveries and ten webhooks; say there what is true now")
	}
}
