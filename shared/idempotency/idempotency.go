// Package idempotency lets a request that carries a key of its client's choice happen once, however often it is sent.
//
// A key is remembered for two hours, for the API key that sent it, in one row: the marker. It is claimed by one conditional put, which also
// takes the place of a marker that has expired. It keeps a hash of the request, the id that the thing to be made shall have, and a lease:
//
//	the marker                              and a request with its key
//	is not there, or has expired            claims it
//	is of another request                   fault.KeyReused
//	is done, or its lease runs              fault.Duplicate, and the id
//	is not done, and its lease is over      takes it over by one conditional update, and runs again under the same id
//
// So what a crash cut off is completed by a repeat, and makes nothing twice: whoever makes the thing puts its row under that id on the
// condition that there is none. Nobody runs longer than the lease; were two to run at once all the same, they would meet at that row.
//
// What was refused releases its marker, so that the request may be corrected and sent again under its key. What failed, and may have made
// something all the same, keeps its id and loses its lease: a repeat goes on at once.
//
// A request with a key costs one write unit and one request more, and as much again where its end is marked; a repeat costs one write that
// does not hold.
package idempotency

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

const (
	// Remembered is how long a key is known, from its first request on. The published schema says two hours.
	Remembered = 2 * time.Hour
	// Lease is how long a request may run before a repeat goes on in its place: longer than a gateway waits for an answer (30 s at most).
	Lease = 30 * time.Second
	// Run is how long a request may go on after its claim was begun. Later its lease may be another's, who may have made the thing, and a
	// client may have deleted it since; the difference to Lease is for clocks that differ and for a last write that is on its way.
	Run = Lease - 3*time.Second
	// MaxKey is the longest key in characters.
	MaxKey = 255
)

// Sum is the hash by which a repeat is told from another request under the same key.
type Sum [sha256.Size]byte

// SumOf hashes the parts of a request. Each is hashed with its length, so that nothing moves from one part to the next unseen.
func SumOf(parts ...[]byte) Sum {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:", len(p))
		h.Write(p)
	}
	return Sum(h.Sum(nil))
}

// Request is a request under a key.
type Request struct {
	Key string // the client's; see Check
	By  id.Key // the API key that sent it: another's same key is another key
	Sum Sum
	In  id.Workspace // where it makes something; zero: it makes nothing of its own
	// Evident says that what the request makes proves that it was made, for at least as long as the key is remembered, so that its success needs no mark.
	Evident bool
}

// Claim is a request that is to run now.
type Claim struct {
	Thing id.UUID // the id for what it makes
	Again bool    // it ran before and was cut off, so the thing may exist, or may have existed

	key     table.Key
	token   string // of whoever holds the lease
	evident bool
}

// Check refuses a key of another form than 1 to MaxKey printable ASCII characters without a comma: fault.Invalid about field. Gateways
// join a header that was sent twice by a comma, so that nobody could tell one key with a comma from two keys.
func Check(field, key string) error {
	if key == "" || len(key) > MaxKey {
		return fault.BadField(field, "has %d characters; send 1 to %d printable ASCII characters, such as a UUID", len(key), MaxKey)
	}
	for _, c := range []byte(key) {
		if c == ',' {
			return fault.BadField(field, "holds a comma, as if it had been sent more than once; send it once, in printable ASCII characters without a comma")
		}
		if c < ' ' || c > '~' {
			return fault.BadField(field, "holds the byte %#02x; send printable ASCII characters, such as a UUID", c)
		}
	}
	return nil
}

// Read is the key in the values of the header that a request was sent with; "" when there was none. The error is fault.Invalid about field: the
// header was sent more than once, or Check refuses it.
func Read(field string, sent []string) (string, error) {
	switch len(sent) {
	case 0:
		return "", nil
	case 1:
		key := strings.Trim(sent[0], " \t") // RFC 9110, 5.5: white space around a value is not part of it
		return key, Check(field, key)
	}
	return "", fault.BadField(field, "was sent %d times; send it once", len(sent))
}

// Options are what a Service may be given. The zero value works.
type Options struct {
	Now func() time.Time // nil is time.Now
}

// Service remembers keys. Safe for concurrent use.
type Service struct {
	t   table.Table
	now func() time.Time
}

// New makes a Service on a table.
func New(t table.Table, o Options) *Service {
	s := &Service{t, o.Now}
	if s.now == nil {
		s.now = time.Now
	}
	return s
}

// marker is the row of a key.
type marker struct {
	sum     Sum
	thing   id.UUID
	token   string
	lease   time.Time
	done    bool
	expires time.Time
}

// draw is the first marker of a request.
func (s *Service) draw(r Request) marker {
	now := s.now()
	m := marker{sum: r.Sum, token: rand.Text(), lease: now.Add(Lease), expires: now.Add(Remembered)}
	if r.In != (id.Workspace{}) {
		m.thing = id.In(r.In, now)
	}
	return m
}

func (m marker) row(k table.Key) table.Item {
	it := table.Item{
		table.AttrPK:      table.String(k.PK),
		table.AttrSK:      table.String(k.SK),
		schema.Sum:        table.String(hex.EncodeToString(m.sum[:])),
		schema.Token:      table.String(m.token),
		schema.Lease:      table.Int(m.lease.UnixMilli()),
		table.AttrExpires: table.Int(m.expires.Unix()),
	}
	if m.thing != (id.UUID{}) {
		it[schema.Thing] = table.String(m.thing.String())
	}
	return it
}

func decode(it table.Item) (marker, error) {
	m := marker{token: it.Str(schema.Token), lease: time.UnixMilli(it.Int(schema.Lease)), done: it[schema.Done] != nil}
	if _, err := hex.Decode(m.sum[:], []byte(it.Str(schema.Sum))); err != nil || len(it.Str(schema.Sum)) != 2*len(m.sum) {
		return m, fmt.Errorf("marker %s: its hash is not %d hex digits", it.Key(), 2*len(m.sum))
	}
	thing := it.Str(schema.Thing)
	if thing == "" {
		return m, nil
	}
	var err error
	if m.thing, err = id.Parse(thing); err != nil {
		return m, fmt.Errorf("marker %s: thing: %w", it.Key(), err)
	}
	return m, nil
}

// keyOf is where a request's marker is.
func keyOf(r Request) table.Key {
	return schema.IdempotencyKey(SumOf([]byte(r.By.String()), []byte(r.Key)))
}
