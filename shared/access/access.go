// Package access decides who may do what. Authorize is the only place that does.
//
// A principal is an API key with a role in each of up to 20 workspaces. Everything is denied that the table of rights does not
// allow. What a principal has no grant for looks exactly like what does not exist: both are Missing.
package access

import (
	"maps"
	"slices"
	"strings"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
)

// Role is what a key is within a workspace.
type Role string

// The roles, most powerful first.
const (
	Owner  Role = "owner"  // everything, keys and links included
	Editor Role = "editor" // reads, creates, changes and deletes content
	Viewer Role = "viewer" // reads
)

// Roles are all roles, most powerful first.
func Roles() []Role { return []Role{Owner, Editor, Viewer} }

// Valid says whether r is one of Roles.
func (r Role) Valid() bool { return slices.Contains(Roles(), r) }

// Action is something a principal may want to do.
type Action string

// The actions. Each is read as a sentence in messages: "the role viewer may not delete an asset".
const (
	ReadWorkspace Action = "read a workspace"
	ReadAsset     Action = "read an asset"
	ListAssets    Action = "list assets"
	CreateAsset   Action = "create an asset"
	CompleteAsset Action = "complete an asset"
	RetryAsset    Action = "retry an asset"
	UpdateAsset   Action = "change an asset"
	DeleteAsset   Action = "delete an asset"
	AttachAsset   Action = "attach an asset"
	ReadProject   Action = "read a project"
	ListProjects  Action = "list projects"
	CreateProject Action = "create a project"
	ReadFolder    Action = "read a folder"
	CreateFolder  Action = "create a folder"
	DeleteFolder  Action = "delete a folder"
	AddFolderItem Action = "add an item to a folder"
	ManageKeys    Action = "manage API keys"
	RotateLinks   Action = "rotate links"
	ReadWebhook   Action = "read a webhook"
	ListWebhooks  Action = "list webhooks"
	CreateWebhook Action = "create a webhook"
	ManageWebhook Action = "change a webhook" // its address, its secret, its end, and sending again
	ReadOrder     Action = "read an order"
	ListOrders    Action = "list orders"
	CreateOrder   Action = "create an order"
	ChangeOrder   Action = "change an order" // its details and its inputs
	SubmitOrder   Action = "submit an order"
	CancelOrder   Action = "cancel an order"
	OwnWebhook    Action = "set up a webhook of its own" // of the client that asks, about its own orders
	ReadOwn       Action = "read a webhook of its own"
)

// right says who may do an action, and which kind of thing is missing for a principal without a grant.
type right struct {
	roles []Role
	kind  string
}

var (
	readers = []Role{Owner, Editor, Viewer}
	writers = []Role{Owner, Editor}
	owners  = []Role{Owner}
)

// rights is the whole policy. An action that is not in it is nobody's.
var rights = map[Action]right{
	ReadWorkspace: {readers, "workspace"},
	ReadAsset:     {readers, "asset"},
	ListAssets:    {readers, "workspace"},
	CreateAsset:   {writers, "workspace"},
	CompleteAsset: {writers, "asset"},
	RetryAsset:    {writers, "asset"},
	UpdateAsset:   {writers, "asset"},
	DeleteAsset:   {writers, "asset"},
	AttachAsset:   {writers, "asset"},
	ReadProject:   {readers, "project"},
	ListProjects:  {readers, "workspace"},
	CreateProject: {writers, "workspace"},
	ReadFolder:    {readers, "folder"},
	CreateFolder:  {writers, "workspace"},
	DeleteFolder:  {writers, "folder"},
	AddFolderItem: {writers, "folder"},
	ManageKeys:    {owners, "workspace"},
	RotateLinks:   {owners, "workspace"},
	ReadWebhook:   {owners, "webhook"},
	ListWebhooks:  {owners, "workspace"},
	CreateWebhook: {owners, "workspace"},
	ManageWebhook: {owners, "webhook"},
	ReadOrder:     {readers, "order"},
	ListOrders:    {readers, "workspace"},
	CreateOrder:   {writers, "workspace"},
	ChangeOrder:   {writers, "order"},
	SubmitOrder:   {writers, "order"},
	CancelOrder:   {writers, "order"},
	OwnWebhook:    {writers, "workspace"},
	ReadOwn:       {readers, "workspace"},
}

// Actions are all actions that anybody may do, in alphabetical order.
func Actions() []Action { return slices.Sorted(maps.Keys(rights)) }

// Principal is who is asking: a key and its role in each workspace it reaches. The zero Principal may do nothing.
type Principal struct {
	Key    id.Key
	Client id.Client // the client of one workspace that signed in; zero for an API key. Key is then the client's, see id.Client
	Grants map[id.Workspace]Role
}

// Workspaces are the workspaces the principal has a grant in, in order of their ids.
func (p Principal) Workspaces() []id.Workspace {
	ws := make([]id.Workspace, 0, len(p.Grants))
	for w := range p.Grants {
		ws = append(ws, w)
	}
	slices.SortFunc(ws, func(a, b id.Workspace) int { return slices.Compare(a[:], b[:]) })
	return ws
}

// Tagged are the principal's workspaces whose tag is tag, in order of their ids: where a thing whose id carries the tag can be.
// In practice there is one or none.
func (p Principal) Tagged(tag uint32) []id.Workspace {
	return slices.DeleteFunc(p.Workspaces(), func(w id.Workspace) bool { return w.Tag() != tag })
}

// Role is the principal's role in a workspace; false when it has none.
func (p Principal) Role(w id.Workspace) (Role, bool) {
	r, ok := p.Grants[w]
	return r, ok
}

// Authorize says whether the principal may do an action in a workspace: nil if so. Without a grant there the error is
// Missing (fault.NotFound); with a role that may not do it, fault.Forbidden.
func Authorize(p Principal, a Action, w id.Workspace) error {
	need := rights[a]
	role, ok := p.Role(w)
	if !ok {
		return Missing(need.kind)
	}
	if slices.Contains(need.roles, role) {
		return nil
	}
	return fault.New(fault.Forbidden, "The role %s may not %s in workspace %s; %s may.", role, a, w, allowed(need.roles))
}

func allowed(roles []Role) string {
	if len(roles) == 0 {
		return "no role"
	}
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return strings.Join(names, " and ")
}

// Missing is the one answer for a thing that does not exist and for one the principal has no grant for; kind is a noun such as
// "asset". Its fault kind is NotFound.
func Missing(kind string) *fault.Error {
	if kind == "" {
		kind = "thing"
	}
	return fault.New(fault.NotFound, "There is no such %s, or this key does not reach it; check the id and the key.", kind)
}
