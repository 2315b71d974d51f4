package orders

import (
	"strings"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/fault"
)

// scopes say what a token needs for each field of the schema, by its type. A field that is not here is refused, and fails the tests. Reading
// is not the same as a query: a download is begun by a mutation, and changes nothing.
var scopes = scopeTable(
	grants{account.Read, "Query", "order orders uploadSession asset webhooks"},
	grants{account.Read, "Mutation", "initializeDownload"},
	grants{account.Write, "Mutation", "initializeOrder updateOrder finalizeOrder cancelOrder attachAsset"},
	grants{account.Write, "Mutation", "initializeUpload reissueUpload finalizeUpload abandonUpload"},
	grants{account.Write, "Mutation", "createWebhook updateWebhook rotateWebhookSecret deleteWebhook"},
	grants{account.Read, "Order", "order_id order_name created order_status product estimated_sqft address model_units metadata"},
	grants{account.Read, "Order", "assets deliverables failure_reason problems progress version"},
	grants{account.Read, "OrderProblem", "path message"},
	grants{account.Read, "OrderPage", "orders next_cursor"},
	grants{account.Read, "Asset", "asset_id asset_name asset_type content_type size_bytes upload_status failure_reason created"},
	grants{account.Read, "UploadSession", "asset_id order_id asset_type upload_status upload_type part_count parts_received next_cursor"},
	grants{account.Write, "UploadSession", "upload_url expires_in part_urls upload_id"},
	grants{account.Read, "DownloadSession", "asset_id download_url expires_in"},
	grants{account.Read, "Webhook", "webhook_id created webhook_url webhook_events"},
	grants{account.Write, "Webhook", "webhook_secret"},
)

// Scopes are what a token needs for each field of the schema, by names such as Mutation.cancelOrder.
func Scopes() map[string]account.Scope {
	all := map[string]account.Scope{}
	for typ, fields := range scopes {
		for f, s := range fields {
			all[typ+"."+f] = s
		}
	}
	return all
}

// grants is what a scope lets its bearer ask of a type.
type grants struct {
	scope  account.Scope
	typ    string
	fields string // with spaces between
}

func scopeTable(rows ...grants) map[string]map[string]account.Scope {
	table := map[string]map[string]account.Scope{}
	for _, r := range rows {
		if table[r.typ] == nil {
			table[r.typ] = map[string]account.Scope{}
		}
		for _, f := range strings.Fields(r.fields) {
			table[r.typ][f] = r.scope
		}
	}
	return table
}

// allowed is nil when a client's token may ask for a field of a type. The schema itself is nobody's secret.
func allowed(c account.Client, typ, field string) error {
	if strings.HasPrefix(typ, "__") || strings.HasPrefix(field, "__") {
		return nil
	}
	need, ok := scopes[typ][field]
	if ok && c.Has(need) {
		return nil
	}
	return fault.New(fault.Forbidden, "%s.%s needs the scope %s; this token has %s. Ask for a token with it.", typ, field, need, account.JoinScopes(c.Scopes))
}
