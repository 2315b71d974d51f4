package orders

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/assetry/assetry/shared/api/orders/surface"
	"github.com/assetry/assetry/shared/fault"
)

// writeRefusal answers a request that is not executed. A fault is wrong with the request as such and keeps its status. What is wrong with its query
// is 400 for a client that knows the media type of GraphQL, and 200 for any other: it would not read the errors of a 400.
func writeRefusal(w http.ResponseWriter, r *http.Request, err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return err
	}
	var list gqlerror.List
	if !errors.As(err, &list) {
		list = gqlerror.List{asError(err)}
	}
	status := http.StatusOK
	if surface.MediaOf(r) == surface.MediaGraphQL {
		status = http.StatusBadRequest
	}
	return write(w, r, status, nil, refusedAll(list))
}

// write writes an answer: {"errors": [...], "data": {...}}, each where there is one. The data is text of JSON already.
func write(w http.ResponseWriter, r *http.Request, status int, data []byte, errs gqlerror.List) error {
	w.Header().Set("Content-Type", surface.MediaOf(r)+"; charset=utf-8")
	w.WriteHeader(status)
	between := "{"
	if len(errs) > 0 {
		told, err := json.Marshal(errs)
		if err != nil {
			return fmt.Errorf("encode errors: %w", err)
		}
		fmt.Fprintf(w, `{"errors":%s`, told)
		between = ","
	}
	if data != nil {
		fmt.Fprintf(w, `%s"data":`, between)
		_, _ = w.Write(data) // web keeps what is written
	}
	_, err := w.Write([]byte("}\n"))
	return err
}
