// Package versity runs the local S3: versitygw over a folder, in a child process, with versioning on.
//
// versitygw is a library, but it changes the working directory of its process, allows one instance in a process, and may crash on
// its own. So the engine runs in a child: the same binary, started again with an environment marker. A program that calls Start
// calls MainIfChild as the first thing in main (or in TestMain); in the child that call never returns.
//
// Layout of Config.Dir:
//
//	objects/<bucket>/<key>    the current version of every key, one file each
//	versions/<bucket>/...     older versions and delete markers
//	sidecar/...               metadata, only where the file system has no user extended attributes
//
// Keys are paths of files: `a` and `a/b` cannot both exist, and a segment of a key is at most 255 bytes. Everything survives a
// restart: objects, versions, metadata, open multipart uploads.
//
// Events. Every write that makes an object (PUT, browser form, copy, completed multipart upload) is reported to Config.OnEvent
// before the client gets its answer, and the answer waits until OnEvent has returned. So a client that was told of success has an
// event that was recorded, unless a process died in between: the bytes may then be there without an event, and the client without
// an answer. An acknowledgement that stays away for 10 seconds turns the answer into 503 (the bytes are stored nevertheless).
// Whoever restarts after a crash looks for objects whose event was lost.
//
// Multipart uploads. What the engine does not do as S3 does is done here: an upload that is unknown, or was aborted, is never taken for a
// completed one whose key has an object; a part that arrives after its upload ended is NoSuchUpload and leaves nothing; open uploads are
// listed over any number of pages, those of one key by upload id (S3: by time); a completion needs no checksums of parts where the
// checksum is over the whole. A repeated completion is answered as the first as long as its version is the current one.
//
// A body that ends before its announced length is IncompleteBody and leaves nothing.
//
// Crashes. A completion that was cut off is undone at the next start, and the upload is open again. A write is one rename, and so is the removal of the newest version of a key, which puts the one before in its place. Only
// with the sidecar folder a crash in the middle of such a removal can leave the key without a current file.
//
// Requests on one key are kept apart here, since the engine alone can mix up versions that are written, read and removed at once.
//
// Rights. The functions run without s3:ListBucket on objects, and S3 then hides from them whether a key exists: GET, HEAD and copy
// of a missing key answer 403 AccessDenied, not 404. The child answers the same. A missing version of an existing key is 404
// NoSuchVersion. Listing versions is allowed. Every account may do everything; who signed is what tells them apart.
//
// Lifetime. The child reads from a pipe that only its parent holds: when the parent ends, in whatever way, the pipe closes and the
// child stops within a second. It ignores SIGINT and SIGTERM, so that Ctrl-C reaches the parent alone, which stops it in order.
//
// Unlike S3: no lifecycle rules, no notification settings, no roles or session credentials, and a bucket is reached by path.
package versity

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Config says what to run. Dir, AccessKey, SecretKey and Bucket are required.
type Config struct {
	Dir       string // folder of all state; made when absent
	Addr      string // host:port to listen on; "" is 127.0.0.1:0, and port 0 picks a free one
	AccessKey string // the account of whoever runs the server
	SecretKey string
	// Accounts are further ones, access key to secret, that may do all that the first may: one for each function, so that a request and a
	// signed address say whose they are. Nobody else is let in. Nil: none.
	Accounts map[string]string
	Region   string // "" is us-east-1
	Bucket   string // made when absent, with versioning
	CORS     CORS   // of Bucket, set at every start
	// OnEvent is called for every object made, from several goroutines at once; the writer's answer waits until it returns. It
	// may use the bucket itself. Nil drops events.
	OnEvent func(Event)
	Stderr  io.Writer // complaints of the engine; nil drops them
}

// CORS is the one cross-origin rule of a bucket. Every request header is allowed.
type CORS struct {
	Origins []string // "*" or origins such as "https://app.example.com"; none: the bucket has no rule
	Methods []string // none: GET, HEAD, PUT, POST
	Expose  []string // response headers a page may read; none: ETag
}

// Event says that a version of a key was made.
type Event struct {
	Name    string // as in AWS's records: "ObjectCreated:Put", ":Post", ":Copy", ":CompleteMultipartUpload"
	Bucket  string
	Key     string // as it is, not URL-encoded
	Version string
	ETag    string // without quotes
	Size    int64  // bytes
	Time    time.Time
}

// ErrAddrInUse is in the chain of Start's error when something else listens on the address.
var ErrAddrInUse = errors.New("address in use")

// DefaultRegion is the region of a server whose Config names none: the one for which clients need no location constraint.
const DefaultRegion = "us-east-1"

// startLimit bounds Start. Starting takes a tenth of a second; a loaded laptop gets a hundred times that.
const startLimit = 10 * time.Second

// portTries bounds how often Start picks another free port when somebody took the picked one first.
const portTries = 5

// Start runs the server and returns once it answers and the bucket stands. The context bounds the start only. A port that is taken
// is an error that is ErrAddrInUse.
func Start(ctx context.Context, c Config) (*Server, error) {
	if err := c.fill(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	s, err := launch(ctx, c)
	for try := 1; err != nil && c.picksPort() && errors.Is(err, ErrAddrInUse) && try < portTries; try++ {
		s, err = launch(ctx, c)
	}
	if err != nil {
		return nil, err
	}
	if err := s.MakeBucket(ctx, c.Bucket, c.CORS); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (c *Config) fill() error {
	if c.Dir == "" || c.AccessKey == "" || c.SecretKey == "" || c.Bucket == "" {
		return errors.New("versity: Dir, AccessKey, SecretKey and Bucket are required")
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return fmt.Errorf("versity: folder %s: %w", c.Dir, err)
	}
	c.Dir = dir
	if c.Addr == "" {
		c.Addr = "127.0.0.1:0"
	}
	if c.Region == "" {
		c.Region = DefaultRegion
	}
	if c.Stderr == nil {
		c.Stderr = io.Discard
	}
	return nil
}

func (c *Config) picksPort() bool { return strings.HasSuffix(c.Addr, ":0") }

// Addr is the host:port the server listens on.
func (s *Server) Addr() string { return s.addr }

// URL is the endpoint of the server, without a slash at the end.
func (s *Server) URL() string { return "http://" + s.addr }

// Client is an S3 client of the account in Config. It never goes through a proxy.
func (s *Server) Client() *s3.Client { return s.client }

// ClientWith is a client that signs with other credentials, for example ones that expire.
func (s *Server) ClientWith(p aws.CredentialsProvider) *s3.Client {
	return s3.New(s3.Options{
		Region: s.config.Region, BaseEndpoint: aws.String(s.URL()), UsePathStyle: true,
		Credentials: p, HTTPClient: s.http,
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	})
}

// HTTP is a client for plain requests to the server, for example presigned ones. It never goes through a proxy.
func (s *Server) HTTP() *http.Client { return s.http }

func (s *Server) connect(addr string) {
	s.addr = addr
	d := &net.Dialer{Timeout: 5 * time.Second}
	s.http = &http.Client{Transport: &http.Transport{
		Proxy: nil, DialContext: d.DialContext,
		MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second,
	}}
	s.client = s.ClientWith(credentials.NewStaticCredentialsProvider(s.config.AccessKey, s.config.SecretKey, ""))
}
