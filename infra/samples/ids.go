package samples

import (
	"strings"
	"time"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/secret"
)

// The ids of the sample events, in a world that is at Now. Those of one workspace end with its last eight digits.
const (
	Workspace = "ws_019b8d62-7a80-7000-8000-00005eed0001"
	Key       = "key_019b8d62-7a80-7000-8000-00005eed0002"
	Project   = "prj_019bc14f-ef80-7000-8000-00aa5eed0001"
	Webhook   = "wh_019bc1a2-1000-7000-8000-00ee5eed0001"
	Delivery  = "019bc0aa-2000-7000-8000-00ff5eed0001" // dead, of Draft
	Folder    = "fld_019bc14f-ef80-7000-8000-00bb5eed0001"
	Note      = "node_019bc16b-66c0-7000-8000-00cc5eed0001"
	Node      = "node_019bc186-de00-7000-8000-00dd5eed0001"
	Holiday   = "019bc186-de00-7000-8000-01a15eed0001" // ready, with bytes, on the project
	Poster    = "019bc18b-71e0-7000-8000-02b25eed0001" // pending
	Stock     = "019bc18b-0000-7000-8000-05e55eed0001" // pending, to be copied from an address; only after Prepare
	Draft     = "019bc119-0100-7000-8000-03c35eed0001" // failed: expired
	Client    = "cl_019b8d62-7a80-7000-8000-00115eed0001"
	Order     = "019bc18a-3000-7000-8000-06f65eed0001" // in work; only after Prepare
	Scan      = "019bc18a-2b00-7000-8000-07075eed0001" // ready, the input of Order; only after Prepare
	Reel      = "019bc18a-2a10-7000-8000-04d45eed0001" // pending, by parts; only after Prepare
)

// movedIDs are those that move with the time of a world: what they name is judged by when it was made.
var movedIDs = []string{Holiday, Poster, Stock, Draft, Reel, Delivery, Order, Scan}

// knownIDs keep their names in results.
var knownIDs = append([]string{Workspace, Key, Project, Webhook, Folder, Note, Node, Client}, movedIDs...)

// The typed forms of the ids that no time moves.
var (
	WorkspaceID = must(id.ParseWorkspace(Workspace))
	KeyID       = must(id.ParseKey(Key))
	ProjectID   = must(id.ParseProject(Project))
	WebhookID   = must(id.ParseWebhook(Webhook))
	FolderID    = must(id.ParseFolder(Folder))
	NoteID      = must(id.ParseNode(Note))
	NodeID      = must(id.ParseNode(Node))
	ClientID    = must(id.ParseClient(Client))
)

// The secrets of the sample events. They open nothing but sample worlds.
const (
	Secret       = "sk_live_SampleKeyOfTheEventsInThisFolder000000000004UuLkx" // the API key
	ClientSecret = "cs_live_SampleClientOfTheEventsInThisFolder000000001IhLXw" // of Client
	Token        = "at_live_SampleTokenOfTheEventsInThisFolder0000000002XgiW4" // an access token of Client with every scope
)

// The names of the places in sample events and results.
const (
	Account   = "123456789012"
	Region    = "us-east-1"
	Bucket    = "assetry-" + Account + "-" + Region
	PublicURL = "https://assets.example.com"
)

// The object versions that events and results name in place of those that the bucket gave.
const (
	HolidayVersion = "Hq2sT8kV0mWfXb4nZr6yLd1cPj3uGe5A"
	PosterVersion  = "Pz7xN3vC9bQwLk5jHg1fDs8aTy2rUi4E"
	OtherVersion   = "Or5yW1oT6eRiUq9pAm2sKd7fGh4jLz3X"
)

// Now is when the sample events happen.
var Now = time.Date(2026, 1, 15, 12, 10, 0, 0, time.UTC)

// Root is the root key of sample worlds.
var Root = must(secret.ParseRoot(strings.Repeat("A", 43)))

// After is how long after its world's time an event comes: at once, but for the sweep, which finds uploads whose grant is long over.
func After(sample string) time.Duration {
	if sample == "sweep" {
		return 110 * time.Minute
	}
	return 0
}

// must is for constants of this package.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
