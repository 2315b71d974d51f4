package access_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
)

// matrix is the whole policy, spelled out a second time: action, then whether owner, editor and viewer may.
var matrix = []struct {
	action                access.Action
	owner, editor, viewer bool
}{
	{access.ReadWorkspace, true, true, true},
	{access.ReadAsset, true, true, true},
	{access.ListAssets, true, true, true},
	{access.CreateAsset, true, true, false},
	{access.CompleteAsset, true, true, false},
	{access.RetryAsset, true, true, false},
	{access.UpdateAsset, true, true, false},
	{access.DeleteAsset, true, true, false},
	{access.AttachAsset, true, true, false},
	{access.ReadProject, true, true, true},
	{access.ListProjects, true, true, true},
	{access.CreateProject, true, true, false},
	{access.ReadFolder, true, true, true},
	{access.CreateFolder, true, true, false},
	{access.DeleteFolder, true, true, false},
	{access.AddFolderItem, true, true, false},
	{access.ManageKeys, true, false, false},
	{access.RotateLinks, true, false, false},
	{access.ReadWebhook, true, false, false},
	{access.ListWebhooks, true, false, false},
	{access.CreateWebhook, true, false, false},
	{access.ManageWebhook, true, false, false},
	{access.ReadOrder, true, true, true},
	{access.ListOrders, true, true, true},
	{access.CreateOrder, true, true, false},
	{access.ChangeOrder, true, true, false},
	{access.SubmitOrder, true, true, false},
	{access.CancelOrder, true, true, false},
	{access.OwnWebhook, true, true, false},
	{access.ReadOwn, true, true, true},
	{access.Action("paint the house"), false, false, false},
	{access.Action(""), false, false, false},
}

func TestAuthorizeWalksTheWholeMatrix(t *testing.T) {
	now := time.Now()
	own, foreign := id.NewWorkspace(now), id.NewWorkspace(now)
	for _, row := range matrix {
		for role, may := range map[access.Role]bool{
			access.Owner: row.owner, access.Editor: row.editor, access.Viewer: row.viewer,
			"": false, "admin": false, "OWNER": false,
		} {
			p := access.Principal{Key: id.NewKey(now), Grants: map[id.Workspace]access.Role{own: role}}
			want := "forbidden"
			if may {
				want = "allowed"
			}
			if got := verdict(access.Authorize(p, row.action, own)); got != want {
				t.Errorf("%q may %q in its own workspace: got %s, want %s", role, row.action, got, want)
			}
			if got := verdict(access.Authorize(p, row.action, foreign)); got != "not found" {
				t.Errorf("%q may %q in a foreign workspace: got %s, want not found", role, row.action, got)
			}
		}
		if got := verdict(access.Authorize(access.Principal{}, row.action, own)); got != "not found" {
			t.Errorf("nobody may %q: got %s, want not found", row.action, got)
		}
	}
}

func verdict(err error) string {
	if err == nil {
		return "allowed"
	}
	return fault.KindOf(err).String()
}

func TestMatrixNamesEveryAction(t *testing.T) {
	seen := map[access.Action]bool{}
	for _, row := range matrix {
		if seen[row.action] {
			t.Errorf("action %q is in the matrix twice", row.action)
		}
		seen[row.action] = true
	}
	for _, a := range access.Actions() {
		if !seen[a] {
			t.Errorf("action %q is allowed to somebody, but the matrix does not say to whom", a)
		}
	}
}

func TestForbiddenNamesRoleActionAndWhoMay(t *testing.T) {
	w := id.NewWorkspace(time.Now())
	p := access.Principal{Grants: map[id.Workspace]access.Role{w: access.Viewer}}
	for _, tt := range []struct {
		action access.Action
		want   []string
	}{
		{access.DeleteAsset, []string{"viewer", "delete an asset", "owner and editor may", w.String()}},
		{access.ManageKeys, []string{"viewer", "manage API keys", "owner may"}},
		{"paint", []string{"viewer", "paint", "no role may"}},
	} {
		text := access.Authorize(p, tt.action, w).Error()
		for _, part := range tt.want {
			if !strings.Contains(text, part) {
				t.Errorf("Authorize(%q) = %q, want it to say %q", tt.action, text, part)
			}
		}
	}
}

func TestForeignAndMissingReadTheSame(t *testing.T) {
	for action, kind := range map[access.Action]string{
		access.ReadAsset: "asset", access.DeleteAsset: "asset", access.CreateAsset: "workspace", access.ListAssets: "workspace",
		access.ReadProject: "project", access.AddFolderItem: "folder", "paint": "",
	} {
		err := access.Authorize(access.Principal{}, action, id.NewWorkspace(time.Now()))
		if diff := cmp.Diff(access.Missing(kind), err); diff != "" {
			t.Errorf("Authorize(%q) without a grant differs from Missing(%q) (-missing +authorize):\n%s", action, kind, diff)
		}
	}
}
