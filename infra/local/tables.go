package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"gopkg.in/yaml.v3"

	"github.com/assetry/assetry/infra/template"
)

// tableType is CloudFormation's name of a table.
const tableType = "AWS::DynamoDB::Table"

// tableTime bounds the making of a table; DynamoDB Local takes tens of milliseconds.
const tableTime = 30 * time.Second

// declaration is a table as the template has it, as far as DynamoDB Local can have it: keys, indexes, stream, time to live.
type declaration struct {
	name   string
	create dynamodb.CreateTableInput
	expiry *types.TimeToLiveSpecification
}

// declared reads the tables of a template whose conditions hold.
func declared(path string, t *template.Template) (map[string]declaration, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var doc struct {
		Resources map[string]struct {
			Properties map[string]yaml.Node `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("template %s: %w", path, err)
	}
	ds := map[string]declaration{}
	for id, kind := range t.Types {
		if kind != tableType {
			continue
		}
		d := declaration{name: here.Stack + "-" + id}
		if err := d.read(doc.Resources[id].Properties); err != nil {
			return nil, fmt.Errorf("template %s: %s: %w", path, id, err)
		}
		ds[id] = d
	}
	return ds, nil
}

// read takes the properties, which CloudFormation calls as DynamoDB's own API does.
func (d *declaration) read(properties map[string]yaml.Node) error {
	shape := map[string]any{}
	for _, name := range []string{"AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "LocalSecondaryIndexes", "StreamSpecification", "TimeToLiveSpecification"} {
		node, ok := properties[name]
		if !ok {
			continue
		}
		var v any
		if err := node.Decode(&v); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		shape[name] = v
	}
	b, err := json.Marshal(shape)
	if err != nil {
		return err
	}
	var more struct {
		TimeToLiveSpecification *types.TimeToLiveSpecification
	}
	if err := errors.Join(json.Unmarshal(b, &d.create), json.Unmarshal(b, &more)); err != nil {
		return err
	}
	d.create.TableName, d.create.BillingMode, d.expiry = &d.name, types.BillingModePayPerRequest, more.TimeToLiveSpecification
	if s := d.create.StreamSpecification; s != nil {
		s.StreamEnabled = aws.Bool(true)
	}
	return nil
}

// make makes the table unless it is there, and gives the ARN of its stream; "" for a table without one.
func (d *declaration) make(ctx context.Context, client *dynamodb.Client) (stream string, err error) {
	ctx, cancel := context.WithTimeout(ctx, tableTime)
	defer cancel()
	there, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &d.name})
	var missing *types.ResourceNotFoundException
	if err == nil {
		return aws.ToString(there.Table.LatestStreamArn), nil
	}
	if !errors.As(err, &missing) {
		return "", fmt.Errorf("look for table %s: %w", d.name, err)
	}
	if _, err := client.CreateTable(ctx, &d.create); err != nil {
		return "", fmt.Errorf("create table %s: %w", d.name, err)
	}
	made := dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay, o.MaxDelay = 20*time.Millisecond, time.Second })
	out, err := made.WaitForOutput(ctx, &dynamodb.DescribeTableInput{TableName: &d.name}, tableTime)
	if err != nil {
		return "", fmt.Errorf("wait for table %s: %w", d.name, err)
	}
	if d.expiry != nil {
		if _, err := client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: &d.name, TimeToLiveSpecification: d.expiry}); err != nil {
			return "", fmt.Errorf("set time to live of table %s: %w", d.name, err)
		}
	}
	return aws.ToString(out.Table.LatestStreamArn), nil
}
