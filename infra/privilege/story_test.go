package privilege_test

import (
	"slices"
	"testing"

	"github.com/assetry/assetry/infra/privilege"
)

// stories make the functions use every right that they are granted. Each ends once the recorder has seen what it is about. One after the other
// on one world, so that what came before is what a stack in use looks like.
var stories = []struct {
	name string
	tell func(*testing.T, *world)
}{
	{"requests for projects, folders and lists", tellRequests},
	{"a form that is completed, linked and used again", tellForm},
	{"bytes in the request, whose answers are lost", tellDirect},
	{"a direct upload that is overtaken by a retry", tellOvertaken},
	{"a request that is run again after a failure", tellRunAgain},
	{"parts that are begun, signed, listed and joined", tellParts},
	{"parts that several begin at once", tellPartsAtOnce},
	{"attempts that fail and are retried", tellRetries},
	{"clean-up after deletes and rejections", tellCleanUp},
	{"events about objects that come late, or say no version", tellLateEvents},
	{"imports, small and by ranges", tellImports},
	{"imports that fail, start over or are overtaken", tellImportFaults},
	{"webhooks", tellWebhooks},
	{"tokens of clients", tellTokens},
	{"orders, from draft to delivery", tellOrders},
	{"inputs of orders that are overtaken, or begun again", tellOrderUploads},
	{"inputs that are asked for whether an order holds them", tellOrderHolds},
	{"work on orders whose answers are lost or late", tellOrderWork},
	{"orders that are visited", tellOrderVisits},
	{"sweeps of what is overdue", tellSweeps},
}

// TestRolesAreWhatIsUsed tells the stories and holds all that was recorded, with the acceptance suites' records, against the roles.
func TestRolesAreWhatIsUsed(t *testing.T) {
	w := newWorld(t)
	for _, s := range stories {
		if !t.Run(s.name, func(t *testing.T) { s.tell(t, w) }) {
			t.Logf("the story broke off: rights that it uses may be missing below")
		}
	}
	for _, finding := range privilege.Compare(roles(t), slices.Concat(others(t), w.ledger.all())) {
		t.Error(finding)
	}
}

func tellRequests(t *testing.T, w *world) {
	ws := w.workspace.String()
	library := "/workspaces/" + ws + "/library/folders"
	project := w.once(t, "/projects", m{"workspace_id": ws, "name": "Spring"}).text(t, "project_id")
	w.refused(t, "/projects", m{"workspace_id": ws, "name": ""})
	a := w.create(t, m{"project_id": project, "folder": "Campaign"})
	w.must(t, "GET", "/workspaces", nil)
	w.must(t, "GET", "/projects?limit=1&workspace_id="+ws, nil)
	w.must(t, "GET", "/projects/"+project, nil)
	w.must(t, "GET", "/projects/"+project+"/nodes", nil)

	folder := w.once(t, library, m{"name": "Moods"}).text(t, "folder_id")
	w.must(t, "POST", library, nil) // finds a name itself
	w.refused(t, library, m{"name": "Moods"})
	items := library + "/" + folder + "/items"
	w.once(t, items, m{"type": "text", "text": "Warm light."})
	w.once(t, items, m{"type": "image", "source": "https://images.example.com/a.png"})
	w.refused(t, items, m{"type": "text", "text": ""})
	if a := w.ask(t, "DELETE", library+"/"+folder, nil); a.Status != 409 {
		t.Errorf("the delete of a folder with items = %d %v, want 409", a.Status, a.JSON)
	}
	w.must(t, "DELETE", library+"/"+folder+"?delete_items=true", nil)

	other := w.create(t).text(t, "asset_id")
	attach := "/projects/" + project + "/assets/" + other + "/attach"
	w.once(t, attach, nil)
	w.refused(t, "/projects/"+project+"/assets/asset_019bc186-de00-7000-8000-01a15eed0001/attach", nil)
	w.must(t, "PATCH", "/assets/"+other, m{"name": "Lisboa.png", "folder": "New"})
	w.must(t, "GET", "/assets?limit=1&workspace_id="+ws, nil)
	w.must(t, "GET", "/assets/"+a.text(t, "asset_id"), nil)
	w.until(t, "the name is in the search index", func() bool {
		w.must(t, "GET", "/assets?query=lisboa", nil)
		return w.ledger.has("assets-list", "dynamodb:BatchGetItem")
	})
	w.must(t, "DELETE", "/assets/"+other, nil)
}
