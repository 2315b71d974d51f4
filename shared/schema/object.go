package schema

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/assetry/assetry/shared/id"
)

// Source names the bytes of one attempt at an asset.
type Source struct {
	Workspace  id.Workspace
	Asset      id.Asset
	Generation int
	// InRow says that what was announced of the bytes is to be read in the row: the object says nothing that can be trusted, or not enough.
	InRow bool
}

// Key is the object key of the source.
func (s Source) Key() string {
	generation := strconv.Itoa(s.Generation)
	if s.InRow {
		generation += inRow
	}
	return ObjectPrefix(s.Workspace, s.Asset) + generation + "/source"
}

// inRow ends the generation in the key of a source whose facts are in the row.
const inRow = "r"

// ObjectPrefix begins the keys of all objects of an asset.
func ObjectPrefix(w id.Workspace, a id.Asset) string {
	return SpreadPrefix(w, a.Spread()) + a.String() + "/"
}

// WorkspacePrefix begins the keys of all objects of a workspace.
func WorkspacePrefix(w id.Workspace) string { return "w/" + w.String() + "/" }

// SpreadPrefix begins the keys of all objects of a workspace's assets whose ids have one byte of random bits.
func SpreadPrefix(w id.Workspace, spread byte) string {
	return WorkspacePrefix(w) + fmt.Sprintf("%02x/", spread)
}

// ParseSource reads an object key back; ok is false for every other key, also for one that Key would spell differently.
func ParseSource(key string) (s Source, ok bool) {
	p := strings.Split(key, "/")
	if len(p) != 6 {
		return s, false
	}
	w, err := id.ParseWorkspace(p[1])
	if err != nil {
		return s, false
	}
	a, err := id.ParseAsset(p[3])
	if err != nil {
		return s, false
	}
	generation, facts := strings.CutSuffix(p[4], inRow)
	g, err := strconv.Atoi(generation)
	if err != nil || g < 1 {
		return s, false
	}
	s = Source{w, a, g, facts}
	return s, s.Key() == key
}

// CheckpointsOf begins the object keys of all that is kept between the workers of an order.
func CheckpointsOf(w id.Workspace, o id.Order) string {
	return "checkpoints/" + w.String() + "/" + o.String() + "/"
}

// CheckpointKey is the object that one worker of an attempt leaves for the next.
func CheckpointKey(w id.Workspace, o id.Order, attempt int) string {
	return CheckpointsOf(w, o) + strconv.Itoa(attempt) + "/checkpoint"
}
