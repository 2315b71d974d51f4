package reconcile

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
)

// Step is a part of the work on a workspace.
type Step string

// The steps, in their order.
const (
	StepRows    Step = "rows"
	StepOrders  Step = "orders" // only where something is told
	StepObjects Step = "objects"
	StepFolders Step = "folders"
)

// lastByte is the greatest value of the byte that spreads objects.
const lastByte = 255

// Cursor is where a run has come to within a workspace.
type Cursor struct {
	Workspace id.Workspace
	Step      Step
	Part      int     // of rows: the shard; of objects: the byte of their keys
	After     id.UUID // of rows: the asset, of orders: the order, of folders: the folder, behind which to go on; zero: from the first
}

// Begin is the beginning of a workspace.
func Begin(w id.Workspace) Cursor { return Cursor{Workspace: w, Step: StepRows} }

// String spells the cursor for people to keep: <workspace>/<step>/<part>/<id>.
func (c Cursor) String() string {
	after := ""
	if c.After != (id.UUID{}) {
		after = c.After.String()
	}
	return fmt.Sprintf("%s/%s/%02x/%s", c.Workspace, c.Step, c.Part, after)
}

// ParseCursor reads String back. The error is fault.Invalid about the field "cursor".
func ParseCursor(text string) (c Cursor, err error) {
	bad := fault.BadField("cursor", "%.120q is not what a run gave; copy it whole, or begin anew without one", text)
	p := strings.Split(text, "/")
	if len(p) != 4 {
		return c, bad
	}
	if c.Workspace, err = id.ParseWorkspace(p[0]); err != nil {
		return Cursor{}, bad
	}
	part, err := strconv.ParseUint(p[2], 16, 8)
	if err != nil {
		return Cursor{}, bad
	}
	c.Step, c.Part = Step(p[1]), int(part)
	if p[3] != "" {
		if c.After, err = id.Parse(p[3]); err != nil {
			return Cursor{}, bad
		}
	}
	if known := c.Step == StepRows || c.Step == StepOrders || c.Step == StepObjects || c.Step == StepFolders; !known || c.String() != text {
		return Cursor{}, bad
	}
	return c, nil
}
