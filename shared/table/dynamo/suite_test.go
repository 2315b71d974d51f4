package dynamo_test

import (
	"testing"

	"github.com/assetry/assetry/shared/table/dynamo/dynamotest"
	"github.com/assetry/assetry/shared/tabletest"
)

// underTest is a table on DynamoDB Local as the suite wants it.
type underTest struct{ *dynamotest.DB }

var _ tabletest.Driver = underTest{}

// Reopen opens the same table anew.
func (u underTest) Reopen(t *testing.T) tabletest.Driver { return underTest{u.DB.Again(t)} }

func TestDynamoKeepsTheContractOfTable(t *testing.T) {
	tabletest.Run(t, func(t *testing.T, o tabletest.Options) tabletest.Driver {
		return underTest{dynamotest.Open(t, o.Indexes...)}
	})
}
