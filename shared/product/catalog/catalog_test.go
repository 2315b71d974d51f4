package catalog_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/product"
	"github.com/assetry/assetry/shared/product/catalog"
)

func TestNamesAreThoseOfTheProducts(t *testing.T) {
	var got []string
	for _, p := range catalog.Products() {
		got = append(got, p.Name())
	}
	if diff := cmp.Diff(product.Names(), got); diff != "" {
		t.Errorf("product.Names and catalog.Products differ, add the missing line (-names +products):\n%s", diff)
	}
}
