// Package recorder notes which rights the functions of a stack really use: every request to the table, the bucket, the bus and the secret,
// as the IAM action and the resource that AWS would look for in the role of whoever signed it.
//
// It stands in front of an engine, as a proxy (Proxy) or around a handler in the same process (Wrap), and passes on what comes: host, path,
// query and headers as they are, because they are signed; bodies as a stream.
//
// Who signed is told by the access key, which is a function's own (infra/identity): in the Authorization header, in the query of a signed
// address, or in the fields of a form. So what a browser sends to a signed address counts for the function that signed it, as in AWS.
// Requests without a signature, and those of other keys (the stack's own), are passed on and not noted.
//
// A signed address or form counts once its request succeeded: a forged one, or one that was changed, needs no right. A request that a function
// sends itself counts whatever the answer is, because AWS looks at the right first.
//
// What it notes. The actions are those of AWS's service authorization reference. Resources are named as template.yaml names them: Table,
// Table/index/NAME, Bucket, Bucket/KEY, EventBus, RootKey; of a key, what lies between its first and its last segment is an asterisk,
// because it is made of ids.
//
//	GetItem, Query, PutItem ...               dynamodb: the same, on the table or the index
//	TransactWriteItems, TransactGetItems      the actions of their items
//	GetObject, HeadObject                     s3:GetObject, with a version s3:GetObjectVersion
//	PutObject, forms, the steps of uploads    s3:PutObject
//	CopyObject, UploadPartCopy                s3:PutObject, and s3:GetObject or s3:GetObjectVersion on the source
//	DeleteObject, DeleteObjects               s3:DeleteObject, with a version s3:DeleteObjectVersion
//	AbortMultipartUpload                      s3:AbortMultipartUpload
//	ListParts                                 s3:ListMultipartUploadParts
//	ListObjectVersions                        s3:ListBucketVersions on the bucket, with the prefix
//	ListMultipartUploads                      s3:ListBucketMultipartUploads on the bucket, which knows no condition on the prefix
//	ListObjects, HeadBucket                   s3:ListBucket on the bucket, with the prefix
//	PutEvents                                 events:PutEvents on the bus
//	GetSecretValue                            secretsmanager:GetSecretValue on the secret
//
// A request of a function that is none of these is noted as unmapped, with the reason: whoever compares must not overlook it.
package recorder

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/assetry/assetry/infra/identity"
)

// Call is a right that a function used: one line of a file of records.
type Call struct {
	Function string `json:"function"`           // the folder's name
	Action   string `json:"action,omitempty"`   // such as s3:PutObject
	Resource string `json:"resource,omitempty"` // such as Table or Bucket/w/*/source
	Prefix   string `json:"prefix,omitempty"`   // of a list of the bucket: the condition s3:prefix that it fits
	Unmapped string `json:"unmapped,omitempty"` // instead of the others: why a request could not be mapped
}

// Stack is what a recorder has to know of the stack it watches.
type Stack struct {
	Functions []string // the folders' names
	// Names are the resources by what requests call them: dynamodb/NAME, s3/BUCKET, events/BUS and secretsmanager/ID to a logical id of the
	// template, such as Table.
	Names map[string]string
}

// Recorder writes every call once. Safe for concurrent use.
type Recorder struct {
	stack Stack
	keys  map[string]string // access key to function

	mu   sync.Mutex
	out  io.WriteCloser
	seen map[Call]bool
	err  error
}

// Open makes a recorder that appends to a file, one Call as JSON a line. A line is written as a whole when its call is first seen, before the
// answer goes out: a stack that is killed has noted what it answered, and several may append to one file.
func Open(path string, s Stack) (*Recorder, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("recorder: %w", err)
	}
	r, err := New(f, s)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

// New makes a recorder that writes to out, and closes it in the end.
func New(out io.WriteCloser, s Stack) (*Recorder, error) {
	keys, err := identity.Names(s.Functions)
	if err != nil {
		return nil, fmt.Errorf("recorder: %w", err)
	}
	return &Recorder{stack: s, keys: keys, out: out, seen: map[Call]bool{}}, nil
}

// note writes the calls that were not seen before. What cannot be written is kept for Close.
func (r *Recorder) note(calls []Call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range calls {
		if r.seen[c] {
			continue
		}
		r.seen[c] = true
		line, err := json.Marshal(c)
		if err == nil {
			_, err = r.out.Write(append(line, '\n'))
		}
		r.err = errors.Join(r.err, err)
	}
}

// Close ends the file. Its error is also that of lines that could not be written.
func (r *Recorder) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(r.err, r.out.Close())
}

// Read gives the calls of a file of records, in their order, each once.
func Read(path string) ([]Call, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("recorder: %w", err)
	}
	defer f.Close()
	var out []Call
	seen := map[Call]bool{}
	d := json.NewDecoder(f)
	d.DisallowUnknownFields()
	for {
		var c Call
		err := d.Decode(&c)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("recorder: %s: record %d: %w", path, len(seen)+1, err)
		}
		if !seen[c] {
			out = append(out, c)
		}
		seen[c] = true
	}
}
