package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/table"
)

// Attributes of workspaces and keys.
const (
	LinkEpoch = "link_epoch" // Number: links minted under an earlier epoch are dead
	Shards    = "shards"     // List of Maps: from which time on how many asset partitions
	ShardFrom = "from"       // Number: Unix milliseconds
	ShardN    = "count"      // Number: a power of two
	Grants    = "grants"     // Map: workspace id to role
	Revoked   = "revoked"    // Bool
	KeyID     = "key_id"     // String: public id of a key; sort key of IndexKeys
	Home      = "home"       // String: workspace a key was issued in; partition key of IndexKeys
)

// Attributes of clients, tokens and counted requests, beside Name, Workspace, Version and OrderClient.
const (
	Scopes     = "scopes"      // List of Strings: read, write
	Tier       = "tier"        // String: standard, premium
	Secrets    = "secrets"     // List of Maps: the live secrets of a client, oldest first
	SecretNo   = "secret"      // Number: which of a client's secrets, from 1; none is used twice
	SecretSum  = "sum"         // Bytes: SHA-256 of a secret
	SecretFrom = "from"        // Number: Unix milliseconds at which a secret was made
	NextSecret = "next_secret" // Number: of the next secret of a client
	Leased     = "leased"      // Number: requests of an hour that were given out to processes
)

// Attributes of requests' keys, beside Lease.
const (
	Sum   = "sum"   // String: SHA-256 of the request in hex
	Thing = "thing" // String: UUID for what the request makes
	Token = "token" // String: of the run that holds the lease
	Done  = "done"  // Bool: it succeeded
)

// WorkspaceKey is the row of a workspace.
func WorkspaceKey(w id.Workspace) table.Key { return table.Key{PK: w.String(), SK: "workspace"} }

// KnownPartition lists all workspaces, in order of their ids.
const KnownPartition = "workspaces"

// KnownKey is the row that lists a workspace among all.
func KnownKey(w id.Workspace) table.Key { return table.Key{PK: KnownPartition, SK: w.String()} }

// APIKeyKey is the row of an API key, by the SHA-256 of its secret.
func APIKeyKey(sum [sha256.Size]byte) table.Key {
	return table.Key{PK: "key#" + hex.EncodeToString(sum[:]), SK: "key"}
}

// ClientKey is the row of a client.
func ClientKey(c id.Client) table.Key {
	return table.Key{PK: ClientPrefix + id.UUID(c).String(), SK: "client"}
}

// ClientPrefix begins the sort keys of the entries that list a workspace's clients.
const ClientPrefix = "client#"

// ListedClientKey is the entry that lists a client in its workspace.
func ListedClientKey(w id.Workspace, c id.Client) table.Key {
	return table.Key{PK: w.String(), SK: ClientPrefix + id.UUID(c).String()}
}

// ParseListedClient reads the sort key of ListedClientKey back. The error is id.ErrSyntax.
func ParseListedClient(sk string) (id.Client, error) {
	u, err := id.Parse(strings.TrimPrefix(sk, ClientPrefix))
	return id.Client(u), err
}

// TokenKey is the row of an access token, by the SHA-256 of it.
func TokenKey(sum [sha256.Size]byte) table.Key {
	return table.Key{PK: "token#" + hex.EncodeToString(sum[:]), SK: "token"}
}

// RateKey is the row that counts what was asked for under a key in an hour.
func RateKey(key string, hour time.Time) table.Key {
	return table.Key{PK: "rate#" + key + "#" + hour.UTC().Format(HourFormat), SK: "rate"}
}

// IdempotencyKey is the row of an idempotency key, by the SHA-256 of the API key that sent it and the key itself.
func IdempotencyKey(sum [sha256.Size]byte) table.Key {
	return table.Key{PK: "once#" + hex.EncodeToString(sum[:]), SK: "once"}
}
