package order

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/media"
)

// known is the format of an input as far as anybody knows it: as it was announced, or as its bytes say.
func (m member) known() string {
	if m.format != "" || m.asset == nil {
		return m.format
	}
	return FormatOf(*m.asset)
}

// FormatOf is the format of an asset by the type that was found in its bytes, or that they must have; "" where it is no scan, or nobody knows.
func FormatOf(a asset.Asset) string {
	if a.Type != "" {
		return media.FormatOf(a.Type)
	}
	return cmp.Or(a.Format, media.FormatOf(a.Declared))
}

// formatList names the formats of scans.
func formatList() string { return strings.Join(media.Formats(), " and ") }

// wrong says what keeps an input from being processed; "" is nothing, or not known yet.
func (m member) wrong() string {
	a := m.asset
	if a.State == asset.Failed {
		return fmt.Sprintf("Asset %s has failed: %s Abandon it, and bring the scan again.", a.ID, a.Failure)
	}
	if a.State == asset.Pending {
		return ""
	}
	found := media.FormatOf(a.Type)
	if found == "" {
		return fmt.Sprintf("Asset %s is %s; an input is a scan: %s. Abandon it, and bring one.", a.ID, a.Type, formatList())
	}
	if m.format != "" && m.format != found {
		return fmt.Sprintf("Asset %s was announced as %s, and is %s. Abandon it, and announce what it is.", a.ID, m.format, found)
	}
	return ""
}
