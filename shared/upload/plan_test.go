package upload_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/upload"
)

func TestPlansOfParts(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		name           string
		size, partSize int64
		want           upload.Plan
		last           int64
	}{
		{"one byte is one part", 1, 0, upload.Plan{Size: 1, PartSize: 16 * mib, Count: 1}, 1},
		{"unasked, parts have 16 MiB", 100 * mib, 0, upload.Plan{Size: 100 * mib, PartSize: 16 * mib, Count: 7}, 4 * mib},
		{"a whole number of parts ends with a whole part", 32 * mib, 0, upload.Plan{Size: 32 * mib, PartSize: 16 * mib, Count: 2}, 16 * mib},
		{"the most that 16 MiB suffice for", 160_000 * mib, 0, upload.Plan{Size: 160_000 * mib, PartSize: 16 * mib, Count: 10_000}, 16 * mib},
		{"one byte more has parts of 17 MiB", 160_000*mib + 1, 0, upload.Plan{Size: 160_000*mib + 1, PartSize: 17 * mib, Count: 9412}, 13*mib + 1},
		{"the largest file", upload.MaxSize, 0, upload.Plan{Size: 53_687_091_200_000, PartSize: 5 << 30, Count: 10_000}, 5 << 30},
		{"the smallest part", 11 * mib, 5 * mib, upload.Plan{Size: 11 * mib, PartSize: 5 * mib, Count: 3}, mib},
		{"the largest part", 1, 5 << 30, upload.Plan{Size: 1, PartSize: 5 << 30, Count: 1}, 1},
		{"a part size that is no whole number of MiB", 11 * mib, 5*mib + 1, upload.Plan{Size: 11 * mib, PartSize: 5*mib + 1, Count: 3}, mib - 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := upload.PlanParts(c.size, c.partSize)
			if d := cmp.Diff(c.want, got); err != nil || d != "" {
				t.Fatalf("plan: %v (-want +got):\n%s", err, d)
			}
			if n := got.Length(got.Count); n != c.last {
				t.Errorf("the last part has %d bytes, want %d", n, c.last)
			}
			if got.Length(0) != 0 || got.Length(got.Count+1) != 0 {
				t.Errorf("parts outside the plan have %d and %d bytes, want none", got.Length(0), got.Length(got.Count+1))
			}
		})
	}
}

func TestSizesThatCannotBePlanned(t *testing.T) {
	for _, c := range []struct {
		name           string
		size, partSize int64
		fields         []string
		says           string
	}{
		{"no bytes", 0, 0, []string{"size_bytes"}, "1 to 53687091200000"},
		{"fewer than none", -1, 0, []string{"size_bytes"}, "-1 bytes"},
		{"a byte too many", upload.MaxSize + 1, 0, []string{"size_bytes"}, "53687091200001"},
		{"the greatest number", 1<<63 - 1, 1<<63 - 1, []string{"size_bytes", "part_size"}, "9223372036854775807"},
		{"a part that is too small", 1, upload.MinPartSize - 1, []string{"part_size"}, "5242880 to 5368709120"},
		{"a part that is too large", 1, upload.MaxPartSize + 1, []string{"part_size"}, "5368709121"},
		{"a negative part", 1, -5 << 20, []string{"part_size"}, "-5242880"},
		{"both wrong", 0, 1, []string{"size_bytes", "part_size"}, "0 bytes"},
		{"more than 10,000 parts", 10_000*upload.MinPartSize + 1, upload.MinPartSize, []string{"part_size"}, "send 6291456 or more"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := upload.PlanParts(c.size, c.partSize)
			var fields []string
			for _, f := range fault.FieldsOf(err) {
				fields = append(fields, f.Name)
			}
			if d := cmp.Diff(c.fields, fields); !fault.Is(err, fault.Invalid) || d != "" || !strings.Contains(err.Error(), c.says) {
				t.Errorf("plan = %v; want it to say %q (-want fields +got):\n%s", err, c.says, d)
			}
		})
	}
}

func TestEveryPlanKeepsTheLimits(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		size := rapid.Int64Range(1, upload.MaxSize).Draw(rt, "size")
		p, err := upload.PlanParts(size, 0)
		if err != nil {
			rt.Fatal(err)
		}
		if p.Count < 1 || p.Count > upload.MaxParts || p.PartSize < upload.MinPartSize || p.PartSize > upload.MaxPartSize || p.PartSize%(1<<20) != 0 {
			rt.Fatalf("%d bytes are planned as %+v", size, p)
		}
		if sum := int64(p.Count-1)*p.PartSize + p.Length(p.Count); sum != size || p.Length(p.Count) < 1 {
			rt.Fatalf("the parts of %+v have %d bytes together", p, sum)
		}
		least := max(p.PartSize, upload.MinPartSize)
		again, err := upload.PlanParts(size, least)
		if err != nil || again != p {
			rt.Fatalf("the planned part size is answered by %+v, %v; want %+v", again, err, p)
		}
	})
}
