package link

import (
	"testing"
	"time"
)

func TestGrantEndsWithTheLink(t *testing.T) {
	now := time.Unix(1_790_000_000, 0)
	for _, tt := range []struct {
		name     string
		linkEnds time.Time
		want     time.Duration
	}{
		{"a lasting link gives five minutes", time.Time{}, 5 * time.Minute},
		{"a link that ends later gives five minutes", now.Add(time.Hour), 5 * time.Minute},
		{"a link that ends sooner gives what is left", now.Add(100 * time.Second), 100 * time.Second},
		{"a link that is about to end gives the shortest that can be signed", now.Add(10 * time.Millisecond), time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := grantEnd(now, tt.linkEnds).Sub(now); got != tt.want {
				t.Errorf("the grant lasts %v, want %v", got, tt.want)
			}
		})
	}
}
