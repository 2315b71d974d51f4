package media_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/assetry/assetry/shared/media"
)

func TestInspectJSON(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		says       string // "": it is taken
	}{
		{"an object", `{"a": 1}`, ""},
		{"an array with space around it", " \n[1, 2]\r\n\t", ""},
		{"the smallest", "{}", ""},
		{"a long one", "[" + strings.Repeat("1,", 100_000) + "1]", ""},
		{"nothing", "", "neither an object nor an array"},
		{"space alone", "  \n", "neither an object nor an array"},
		{"a number", "12", "neither an object nor an array"},
		{"a page", "<html></html>", "neither an object nor an array"},
		{"one that was cut off", `{"a": [1, 2]`, "incomplete"},
		{"its first bracket alone", "{", "incomplete"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in, err := media.InspectJSON(t.Context(), media.Source{Size: int64(len(tt.text)), Head: []byte(tt.text)})
			var no *media.Rejected
			switch {
			case tt.says == "" && (err != nil || in.Type != media.JSON):
				t.Errorf("InspectJSON = %+v, %v; want it taken", in, err)
			case tt.says != "" && (!errors.As(err, &no) || !strings.Contains(no.Message, tt.says)):
				t.Errorf("InspectJSON = %+v, %v; want it rejected as %q", in, err, tt.says)
			}
		})
	}
}

func TestClientsCannotAnnounceJSON(t *testing.T) {
	if media.Allowed(media.JSON) {
		t.Error("JSON is among the types that are taken")
	}
}
