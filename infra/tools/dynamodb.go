package main

import (
	"context"
	"fmt"

	"github.com/assetry/assetry/infra/dynamolocal"
)

// serveDynamoDB runs DynamoDB Local, in memory, until the context ends.
func serveDynamoDB(ctx context.Context, root string) error {
	if err := install(ctx, root, []string{"dynamodb"}); err != nil {
		return err
	}
	db, err := dynamolocal.Start(ctx, dynamolocal.Options{Root: root})
	if err != nil {
		return err
	}
	defer db.Stop()
	say("DynamoDB Local answers until interrupted. It listens on every network interface: it has no option against that.")
	fmt.Printf("export ASSETRY_TEST_DYNAMODB=%s\n", db.Endpoint())
	select {
	case <-ctx.Done():
		return nil
	case <-db.Done():
		return db.Err()
	}
}
