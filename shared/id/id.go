// Package id holds the typed identifiers of the product.
//
// Every id is a UUIDv7 (RFC 9562): its first 48 bits are Unix milliseconds, the next 12 the fraction of that millisecond,
// so that listing by id is listing by time. The low 32 bits of an id that belongs to a workspace are that workspace's tag
// (the low 32 bits of the workspace's own id), so that a bare asset id names the partition of its row without an index.
// What is left is 30 random bits for ids made in the same quarter of a microsecond in one workspace; writers condition
// the first write on absence and draw again on a collision.
//
// The domain's text form is the bare UUID, except where a prefix is part of the name everywhere (workspace, project, folder,
// key, webhook). Dialects add and strip their own prefixes.
package id

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
)

// UUID is the 16 bytes every typed id is made of.
type UUID [16]byte

// Workspace names a workspace: the unit of ownership, billing and partitioning. Text form ws_<uuid>.
type Workspace UUID

// Asset names an asset. Text form: the bare UUID.
type Asset UUID

// Project names a project: a canvas that assets are attached to. Text form prj_<uuid>.
type Project UUID

// Folder names a library folder. Text form fld_<uuid>.
type Folder UUID

// Node names a thing on a project's canvas or in a folder. Text form node_<uuid>.
type Node UUID

// Key names an API key without giving it away. Text form key_<uuid>.
type Key UUID

// Webhook names an address that a workspace's events are sent to. Text form wh_<uuid>.
type Webhook UUID

// Delivery names one event on its way to one webhook. Text form: the bare UUID.
type Delivery UUID

// Prefixes of the text forms.
const (
	WorkspacePrefix = "ws_"
	ProjectPrefix   = "prj_"
	FolderPrefix    = "fld_"
	NodePrefix      = "node_"
	KeyPrefix       = "key_"
	WebhookPrefix   = "wh_"
	ClientPrefix    = "cl_"
)

// ErrSyntax says that a text is not an id. Dialects answer it like a missing thing.
var ErrSyntax = errors.New("not an id")

// New makes a UUIDv7 for a time. Ids made later (to about a quarter of a microsecond) sort later.
func New(now time.Time) UUID {
	var u UUID
	if _, err := rand.Read(u[8:]); err != nil {
		panic("crypto/rand failed: " + err.Error()) // documented never to happen
	}
	setTime(&u, now)
	u[8] = u[8]&0x3f | 0x80
	return u
}

func setTime(u *UUID, t time.Time) {
	ms := t.UnixMilli()
	sub := uint64(t.UnixNano()-ms*1e6) * 4096 / 1e6
	binary.BigEndian.PutUint64(u[:8], uint64(ms)<<16|7<<12|sub&0xfff)
}

// In makes an id for a time that carries the tag of a workspace.
func In(w Workspace, now time.Time) UUID {
	u := New(now)
	copy(u[12:], w[12:])
	return u
}

// Floor is the smallest UUIDv7 of a time: every id made at or after t sorts at or after it. For range queries and watermarks.
func Floor(t time.Time) UUID {
	var u UUID
	setTime(&u, t)
	u[8] = 0x80
	return u
}

// Time is when the id was made, to the millisecond, in UTC.
func (u UUID) Time() time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(u[:8]) >> 16)).UTC()
}

// Tag is the low 32 bits: which workspace an id belongs to.
func (u UUID) Tag() uint32 { return binary.BigEndian.Uint32(u[12:]) }

// Spread is a byte of the random bits: it distributes object keys and partitions.
func (u UUID) Spread() byte { return u[10] }

// String is the canonical lower-case form of 36 characters.
func (u UUID) String() string {
	var b [36]byte
	hex.Encode(b[0:8], u[0:4])
	hex.Encode(b[9:13], u[4:6])
	hex.Encode(b[14:18], u[6:8])
	hex.Encode(b[19:23], u[8:10])
	hex.Encode(b[24:], u[10:])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// Parse reads the canonical form, lower case only, so that one thing has one name. The error is ErrSyntax.
func Parse(s string) (UUID, error) {
	var u UUID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' || strings.ToLower(s) != s {
		return UUID{}, ErrSyntax
	}
	if _, err := hex.Decode(u[:], []byte(s[0:8]+s[9:13]+s[14:18]+s[19:23]+s[24:])); err != nil {
		return UUID{}, ErrSyntax
	}
	if u[6]>>4 != 7 || u[8]>>6 != 2 {
		return UUID{}, ErrSyntax
	}
	return u, nil
}

func parse(prefix, s string) (UUID, error) {
	rest, ok := strings.CutPrefix(s, prefix)
	if !ok {
		return UUID{}, ErrSyntax
	}
	return Parse(rest)
}

// NewWorkspace makes a workspace id.
func NewWorkspace(now time.Time) Workspace { return Workspace(New(now)) }

// ParseWorkspace reads ws_<uuid>. The error is ErrSyntax.
func ParseWorkspace(s string) (Workspace, error) {
	u, err := parse(WorkspacePrefix, s)
	return Workspace(u), err
}

// String is ws_<uuid>.
func (w Workspace) String() string { return WorkspacePrefix + UUID(w).String() }

// Tag is what every id of this workspace ends with.
func (w Workspace) Tag() uint32 { return UUID(w).Tag() }

// NewAsset makes an asset id in a workspace.
func NewAsset(w Workspace, now time.Time) Asset { return Asset(In(w, now)) }

// ParseAsset reads a bare UUID. The error is ErrSyntax.
func ParseAsset(s string) (Asset, error) {
	u, err := Parse(s)
	return Asset(u), err
}

// String is the bare UUID.
func (a Asset) String() string { return UUID(a).String() }

// Time is when the asset was created, to the millisecond, in UTC.
func (a Asset) Time() time.Time { return UUID(a).Time() }

// Tag is the tag of the workspace the asset belongs to.
func (a Asset) Tag() uint32 { return UUID(a).Tag() }

// Spread is the byte that distributes object keys and shards.
func (a Asset) Spread() byte { return UUID(a).Spread() }

// NewProject makes a project id in a workspace.
func NewProject(w Workspace, now time.Time) Project { return Project(In(w, now)) }

// ParseProject reads prj_<uuid>. The error is ErrSyntax.
func ParseProject(s string) (Project, error) {
	u, err := parse(ProjectPrefix, s)
	return Project(u), err
}

// String is prj_<uuid>.
func (p Project) String() string { return ProjectPrefix + UUID(p).String() }

// Time is when the project was created.
func (p Project) Time() time.Time { return UUID(p).Time() }

// Tag is the tag of the workspace the project belongs to.
func (p Project) Tag() uint32 { return UUID(p).Tag() }

// NewFolder makes a folder id in a workspace.
func NewFolder(w Workspace, now time.Time) Folder { return Folder(In(w, now)) }

// ParseFolder reads fld_<uuid>. The error is ErrSyntax.
func ParseFolder(s string) (Folder, error) {
	u, err := parse(FolderPrefix, s)
	return Folder(u), err
}

// String is fld_<uuid>.
func (f Folder) String() string { return FolderPrefix + UUID(f).String() }

// NewNode makes a node id in a workspace.
func NewNode(w Workspace, now time.Time) Node { return Node(In(w, now)) }

// ParseNode reads node_<uuid>. The error is ErrSyntax.
func ParseNode(s string) (Node, error) {
	u, err := parse(NodePrefix, s)
	return Node(u), err
}

// String is node_<uuid>.
func (n Node) String() string { return NodePrefix + UUID(n).String() }

// NewKey makes the public id of an API key.
func NewKey(now time.Time) Key { return Key(New(now)) }

// ParseKey reads key_<uuid>. The error is ErrSyntax.
func ParseKey(s string) (Key, error) {
	u, err := parse(KeyPrefix, s)
	return Key(u), err
}

// String is key_<uuid>.
func (k Key) String() string { return KeyPrefix + UUID(k).String() }

// NewWebhook makes a webhook id in a workspace.
func NewWebhook(w Workspace, now time.Time) Webhook { return Webhook(In(w, now)) }

// ParseWebhook reads wh_<uuid>. The error is ErrSyntax.
func ParseWebhook(s string) (Webhook, error) {
	u, err := parse(WebhookPrefix, s)
	return Webhook(u), err
}

// String is wh_<uuid>.
func (h Webhook) String() string { return WebhookPrefix + UUID(h).String() }

// Time is when the webhook was created, to the millisecond, in UTC.
func (h Webhook) Time() time.Time { return UUID(h).Time() }

// DeliveryOf is the id of an event's delivery to a webhook: the same whenever it is asked for, so that one event has one delivery. It has
// the event's time, to the millisecond; 74 bits of a hash stand where other ids have the fraction and random bits, and there is no tag.
func DeliveryOf(h Webhook, event string, at time.Time) Delivery {
	var u UUID
	setTime(&u, at)
	sum := sha256.Sum256(append(h[:], event...))
	copy(u[6:], sum[:10])
	u[6] = u[6]&0x0f | 0x70
	u[8] = u[8]&0x3f | 0x80
	return Delivery(u)
}

// NewDelivery makes the id of a delivery that stands for itself, such as a test.
func NewDelivery(now time.Time) Delivery { return Delivery(New(now)) }

// ParseDelivery reads a bare UUID. The error is ErrSyntax.
func ParseDelivery(s string) (Delivery, error) {
	u, err := Parse(s)
	return Delivery(u), err
}

// String is the bare UUID.
func (d Delivery) String() string { return UUID(d).String() }

// Time is when the event happened, to the millisecond, in UTC.
func (d Delivery) Time() time.Time { return UUID(d).Time() }

// Spread is a byte that distributes deliveries over partitions.
func (d Delivery) Spread() byte { return UUID(d).Spread() }

// Order names an order: inputs, what is made of them, and where it stands. Text form: the bare UUID.
type Order UUID

// NewOrder makes an order id in a workspace.
func NewOrder(w Workspace, now time.Time) Order { return Order(In(w, now)) }

// ParseOrder reads a bare UUID. The error is ErrSyntax.
func ParseOrder(s string) (Order, error) {
	u, err := Parse(s)
	return Order(u), err
}

// String is the bare UUID.
func (o Order) String() string { return UUID(o).String() }

// Tag is the tag of the workspace the order belongs to.
func (o Order) Tag() uint32 { return UUID(o).Tag() }

// Spread is a byte that distributes orders over partitions.
func (o Order) Spread() byte { return UUID(o).Spread() }

// Time is when the order was begun, to the millisecond, in UTC.
func (o Order) Time() time.Time { return UUID(o).Time() }

// Client names a program that was registered with a workspace and signs in with a secret of its own. Text form cl_<uuid>.
type Client UUID

// NewClient makes a client id in a workspace.
func NewClient(w Workspace, now time.Time) Client { return Client(In(w, now)) }

// ParseClient reads cl_<uuid>. The error is ErrSyntax.
func ParseClient(s string) (Client, error) {
	u, err := parse(ClientPrefix, s)
	return Client(u), err
}

// String is cl_<uuid>.
func (c Client) String() string { return ClientPrefix + UUID(c).String() }

// Tag is the tag of the workspace the client belongs to.
func (c Client) Tag() uint32 { return UUID(c).Tag() }

// Key is the client as whoever acts: what it makes was created by the key of the same UUID.
func (c Client) Key() Key { return Key(c) }

// DeliverableOf is the id of a file that one step of an attempt at an order makes, by its name: the same whenever it is asked for, so that a
// step which is done again makes the same asset. It has the time of the attempt's submission and the tag of the order's workspace; 42 bits of
// a hash stand where other ids have the fraction and random bits.
func DeliverableOf(o Order, attempt int, step, name string, at time.Time) Asset {
	var u UUID
	setTime(&u, at)
	h := sha256.New()
	h.Write(o[:])
	for _, text := range []string{strconv.Itoa(attempt), step, name} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text)))) // so that no two lists of texts are the same bytes
		h.Write([]byte(text))
	}
	copy(u[6:], h.Sum(nil)[:6])
	u[6] = u[6]&0x0f | 0x70
	u[8] = u[8]&0x3f | 0x80
	copy(u[12:], o[12:])
	return Asset(u)
}
