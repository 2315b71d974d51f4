package template

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/assetry/assetry/infra/pattern"
	"github.com/assetry/assetry/shared/api/web"
)

// CORS is the CorsConfiguration of an HTTP API.
type CORS struct {
	AllowOrigins     []string // exact origins, *, https://* or http://*
	AllowMethods     []string
	AllowHeaders     []string
	ExposeHeaders    []string
	MaxAge           int // seconds; 0 leaves the browser its default
	AllowCredentials bool
}

// Queue is an AWS::SQS::Queue.
type Queue struct {
	Name        string        // the logical id
	Visibility  time.Duration // how long a message that was received is hidden from others; SQS's default is 30 s
	Retention   time.Duration // how long a message is kept; SQS's default is 4 days
	DeadLetters string        // logical id of the queue that takes what was received too often; empty: there is none
	MaxReceives int           // how often a message is received before it goes there; 0 without such a queue
}

// Rule is an AWS::Events::Rule: what it matches on its bus goes to its targets.
type Rule struct {
	Name    string // the logical id
	Bus     string // logical id
	Pattern string // JSON, as package pattern reads it
	Targets []Target
}

// Target is a queue that a rule leads to.
type Target struct {
	Queue       string // logical id
	DeadLetters string // logical id of the queue that takes what could not be sent there; empty: it is dropped
}

// Notification is what a bucket invokes a function for.
type Notification struct {
	Bucket   string // logical id
	Function string // logical id
	Event    string // such as s3:ObjectCreated:*
	Prefix   string // of the key
	Suffix   string // of the key
}

func (b *builder) readCORS(p fields) {
	config, ok := p.m["CorsConfiguration"]
	if !ok {
		return
	}
	if b.CORS != nil {
		p.complain("it is a second HTTP API with CORS; one API serves all dialects")
	}
	if _, isMap := config.(map[string]any); !isMap { // SAM's short form: true, or one origin
		if config == true {
			config = "*"
		}
		b.CORS = &CORS{AllowOrigins: texts(config), AllowMethods: []string{"*"}, AllowHeaders: []string{"*"}}
		return
	}
	c := p.below("CorsConfiguration")
	b.CORS = &CORS{
		AllowOrigins: texts(c.m["AllowOrigins"]), AllowMethods: texts(c.m["AllowMethods"]), AllowHeaders: texts(c.m["AllowHeaders"]),
		ExposeHeaders: texts(c.m["ExposeHeaders"]), MaxAge: c.integer("MaxAge", 0), AllowCredentials: c.boolean("AllowCredentials", false),
	}
	if b.CORS.AllowCredentials && slices.Contains(b.CORS.AllowOrigins, "*") {
		c.complain("AllowCredentials is refused by API Gateway together with the origin *; name the origins")
	}
}

func (b *builder) readQueue(p fields) {
	if p.boolean("FifoQueue", false) || p.integer("DelaySeconds", 0) != 0 {
		p.complain("queues with FifoQueue or DelaySeconds are not read")
	}
	q := Queue{
		Name: p.at, Visibility: p.seconds("VisibilityTimeout", 30*time.Second), Retention: p.seconds("MessageRetentionPeriod", 4*24*time.Hour),
	}
	if r := p.below("RedrivePolicy"); len(r.m) > 0 {
		r.only("deadLetterTargetArn", "maxReceiveCount")
		q.DeadLetters, q.MaxReceives = r.target("deadLetterTargetArn", typeQueue), r.integer("maxReceiveCount", 0)
		if q.MaxReceives < 1 {
			r.complain("maxReceiveCount is %d, want 1 or more", q.MaxReceives)
		}
	}
	b.Queues = append(b.Queues, q)
}

func (b *builder) readRule(p fields) {
	p.only("Name", "Description", "EventBusName", "EventPattern", "Targets", "State", "Tags")
	if p.text("State") == "DISABLED" {
		return
	}
	text, err := json.Marshal(p.m["EventPattern"])
	if err == nil {
		_, err = pattern.Parse(string(text))
	}
	if err != nil {
		p.complain("EventPattern: %w", err)
	}
	r := Rule{Name: p.at, Bus: p.target("EventBusName", "AWS::Events::EventBus"), Pattern: string(text)}
	for _, t := range p.each("Targets") {
		t.only("Id", "Arn", "DeadLetterConfig", "RetryPolicy")
		target := Target{Queue: t.target("Arn", typeQueue)}
		if d := t.below("DeadLetterConfig"); len(d.m) > 0 {
			target.DeadLetters = d.target("Arn", typeQueue)
		}
		r.Targets = append(r.Targets, target)
	}
	b.Rules = append(b.Rules, r)
}

func (b *builder) readNotifications(p fields) {
	n := p.below("NotificationConfiguration")
	n.only("LambdaConfigurations")
	for _, c := range n.each("LambdaConfigurations") {
		c.only("Event", "Function", "Filter")
		b.notify(c, p.at, c.target("Function", typeFunction), []string{c.text("Event")})
	}
}

// notify reads the filter of a notification, and keeps one for each event.
func (b *builder) notify(p fields, bucket, function string, events []string) {
	n := Notification{Bucket: bucket, Function: function}
	for _, r := range p.below("Filter").below("S3Key").each("Rules") {
		switch name := r.text("Name"); name {
		case "prefix":
			n.Prefix = r.text("Value")
		case "suffix":
			n.Suffix = r.text("Value")
		default:
			r.complain("a rule for keys is named prefix or suffix, not %q", name)
		}
	}
	for _, n.Event = range events {
		b.Notifications = append(b.Notifications, n)
	}
}

// checkRoutes refuses broken and repeated routes.
func (b *builder) checkRoutes() {
	seen := map[string]string{}
	for _, f := range b.Functions {
		for _, h := range EventsOf[HttpApi](f) {
			at := fields{b: b, at: f.Name + ".Events." + h.Name}
			if h.Path != DefaultRoute && h.Path != "" {
				if _, err := web.ParsePattern(h.Path); err != nil {
					at.complain("%w", err)
				}
			}
			if other, twice := seen[h.Key()]; twice {
				at.complain("route %q belongs to both %s and %s", h.Key(), other, f.Name)
			}
			seen[h.Key()] = f.Name
		}
	}
}
