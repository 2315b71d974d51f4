package asset

import (
	"slices"
	"strings"

	"github.com/assetry/assetry/shared/id"
)

// MaxOrders is of how many orders an asset can be an input or a deliverable: its row stays under 2 KB.
const MaxOrders = 20

// Orders are the orders that an asset is an input or a deliverable of, as its row keeps them: their ids in the order in which they came, with
// spaces between. The zero value is none.
type Orders string

// OrdersOf makes Orders of some ids.
func OrdersOf(os ...id.Order) Orders {
	texts := make([]string, len(os))
	for i, o := range os {
		texts[i] = o.String()
	}
	return Orders(strings.Join(texts, " "))
}

// IDs are the ids.
func (o Orders) IDs() []id.Order {
	ids, _ := parseIDs(string(o))
	return ids
}

// Len is how many there are.
func (o Orders) Len() int { return len(strings.Fields(string(o))) }

// Has says whether an order is among them.
func (o Orders) Has(order id.Order) bool { return slices.Contains(o.IDs(), order) }

// With adds an order at the end; one that is among them is not added again.
func (o Orders) With(order id.Order) Orders {
	if o.Has(order) {
		return o
	}
	return OrdersOf(append(o.IDs(), order)...)
}

// Without takes an order away.
func (o Orders) Without(order id.Order) Orders {
	return OrdersOf(slices.DeleteFunc(o.IDs(), func(other id.Order) bool { return other == order })...)
}

func parseOrders(s string) (Orders, error) {
	ids, err := parseIDs(s)
	return OrdersOf(ids...), err
}

func parseIDs(s string) ([]id.Order, error) {
	var ids []id.Order
	for _, text := range strings.Fields(s) {
		o, err := id.ParseOrder(text)
		if err != nil {
			return nil, err
		}
		ids = append(ids, o)
	}
	return ids, nil
}
