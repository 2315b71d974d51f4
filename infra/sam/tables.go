package main

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/dynamo"
)

// The names of the tables in DynamoDB Local.
const (
	tableName  = "assetry"
	searchName = "assetry-search"
)

// tables makes the tables, the workspace and the key of a new folder.
func (s *stack) tables(ctx context.Context, endpoint string) error {
	client := dynamodb.New(dynamodb.Options{
		Region: region, BaseEndpoint: aws.String(endpoint),
		Credentials: credentials.NewStaticCredentialsProvider(s.settings.S3AccessKey, s.settings.S3SecretKey, ""),
	})
	if err := errors.Join(create(ctx, client, tableName, schema.Indexes()), create(ctx, client, searchName, nil)); err != nil {
		return err
	}
	return s.settings.Tenant(ctx, account.New(dynamo.New(client, tableName, dynamo.Options{Indexes: schema.Indexes()}), account.Options{}))
}

// create makes a table that is not there yet.
func create(ctx context.Context, client *dynamodb.Client, name string, indexes []table.Index) error {
	_, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	var absent *types.ResourceNotFoundException
	if errors.As(err, &absent) {
		return dynamo.Create(ctx, client, name, indexes)
	}
	return err
}
