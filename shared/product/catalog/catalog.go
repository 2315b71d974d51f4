// Package catalog lists the products. A new product is a package of its own, a line here, and its name in package product.
//
// It links everything that products are made with, so only what runs them imports it: the main of work-order, and the local stack. Whoever
// wants to know what can be ordered asks product.Names.
package catalog

import (
	"github.com/assetry/assetry/shared/product"
	"github.com/assetry/assetry/shared/product/areaplan"
)

// Products are all products, by name.
func Products() []product.Product {
	return []product.Product{
		areaplan.New(),
	}
}
