package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
)

// resource is the logical id of a resource of template.yaml, and the name that it fills.
type resource struct {
	id   string
	name func(*names) *string
}

// resources are what the tool looks up in a stack. A queue's physical id is its address, any other's its name.
var resources = []resource{
	{"Table", func(n *names) *string { return &n.Table }},
	{"SearchTable", func(n *names) *string { return &n.Search }},
	{"Bucket", func(n *names) *string { return &n.Bucket }},
	{"EventBus", func(n *names) *string { return &n.Bus }},
	{"FailedEvents", func(n *names) *string { return &n.Failed }},
	{importQueue, func(n *names) *string { return &n.Imports }},
	{importDead, func(n *names) *string { return &n.ImportsDead }},
	{orderQueue, func(n *names) *string { return &n.Orders }},
	{orderDead, func(n *names) *string { return &n.OrdersDead }},
	{webhookQueue, func(n *names) *string { return &n.Webhooks }},
	{webhookDead, func(n *names) *string { return &n.WebhooksDead }},
}

// Logical ids of the queues, which the local stack names its queues by.
const (
	importQueue  = "ImportQueue"
	importDead   = "ImportDeadLetters"
	orderQueue   = "OrderQueue"
	orderDead    = "OrderDeadLetters"
	webhookQueue = "WebhookEvents"
	webhookDead  = "WebhookEventsDead"
)

// parameters are what the tool takes over from the parameters of a stack.
var parameters = map[string]func(*names) *string{
	"GrantMinutes":     func(n *names) *string { return &n.GrantMinutes },
	"PartGrantMinutes": func(n *names) *string { return &n.PartGrantMinutes },
}

// namesOf asks CloudFormation what a stack has made.
func namesOf(ctx context.Context, c aws.Config, stack string) (names, error) {
	client := cloudformation.NewFromConfig(c)
	var n names
	pages := cloudformation.NewListStackResourcesPaginator(client, &cloudformation.ListStackResourcesInput{StackName: &stack})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return n, fmt.Errorf("look for the stack %s: %w", stack, err)
		}
		for _, r := range out.StackResourceSummaries {
			for _, want := range resources {
				if want.id == aws.ToString(r.LogicalResourceId) {
					*want.name(&n) = aws.ToString(r.PhysicalResourceId)
				}
			}
		}
	}
	if n.Table == "" {
		return n, usage("the stack %s has no table of Assetry: name the stack that `make deploy` made", stack)
	}
	return n, n.readParameters(ctx, client, stack)
}

// readParameters takes over what the stack was deployed with.
func (n *names) readParameters(ctx context.Context, client *cloudformation.Client, stack string) error {
	out, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
	if err != nil {
		return fmt.Errorf("read the parameters of the stack %s: %w", stack, err)
	}
	for _, s := range out.Stacks {
		for _, p := range s.Parameters {
			key, value := aws.ToString(p.ParameterKey), aws.ToString(p.ParameterValue)
			if to, wanted := parameters[key]; wanted {
				*to(n) = value
			}
			if key == "SearchIndex" && value == "off" {
				n.Search = "" // the table is there, and nobody keeps it
			}
		}
	}
	return nil
}
