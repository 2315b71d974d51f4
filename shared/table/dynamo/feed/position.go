package feed

import (
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"github.com/assetry/assetry/shared/fault"
)

// position is how far each shard was read: the last sequence number, or end. A shard that is not in it was not begun.
type position map[string]string

// end marks a shard that has been read to its end.
const end = "end"

// tooOld is what callers read of a position whose changes are gone.
const tooOld = "the position is older than the 24 hours that are kept; start over at the beginning"

func parsePosition(s string) (position, error) {
	if s == "" {
		return position{}, nil
	}
	var p position
	if err := json.Unmarshal([]byte(s), &p); err != nil || p == nil {
		return nil, fault.BadField("after", "%.80q is no position of this feed; start over at the beginning", s)
	}
	for _, seq := range p {
		if seq != end && (seq == "" || strings.Trim(seq, "0123456789") != "") {
			return nil, fault.BadField("after", "%.80q is no sequence number; start over at the beginning", seq)
		}
	}
	return p, nil
}

// String is the position as callers keep it; equal positions are equal texts.
func (p position) String() string {
	if len(p) == 0 {
		return ""
	}
	b, err := json.Marshal(map[string]string(p))
	if err != nil {
		panic(err) // a map of strings always marshals
	}
	return string(b)
}

func (p position) ended(shard string) bool { return p[shard] == end }

// blocked says whether the shard's parent is still kept and not read to its end.
func (p position) blocked(s types.Shard, all []types.Shard) bool {
	parent := aws.ToString(s.ParentShardId)
	for _, o := range all {
		if aws.ToString(o.ShardId) == parent {
			return !p.ended(parent)
		}
	}
	return false
}

// prune forgets shards that the stream no longer keeps. One that was not read to its end has taken changes with it.
func (p position) prune(all []types.Shard) error {
	kept := make(map[string]bool, len(all))
	for _, s := range all {
		kept[aws.ToString(s.ShardId)] = true
	}
	for shard, seq := range p {
		if kept[shard] {
			continue
		}
		if seq != end {
			return fault.New(fault.Invalid, "%s", tooOld)
		}
		delete(p, shard)
	}
	return nil
}

// lineage puts every shard after its parent, else in the order given.
func lineage(all []types.Shard) []types.Shard {
	byID := make(map[string]types.Shard, len(all))
	for _, s := range all {
		byID[aws.ToString(s.ShardId)] = s
	}
	out := make([]types.Shard, 0, len(all))
	placed := make(map[string]bool, len(all))
	var place func(types.Shard)
	place = func(s types.Shard) {
		id := aws.ToString(s.ShardId)
		if placed[id] {
			return
		}
		placed[id] = true
		if parent, ok := byID[aws.ToString(s.ParentShardId)]; ok {
			place(parent)
		}
		out = append(out, s)
	}
	for _, s := range all {
		place(s)
	}
	return out
}
