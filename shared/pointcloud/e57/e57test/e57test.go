package e57test

import (
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"hash/crc32"
	"strings"
)

// PageSize is that of the standard, in bytes.
const PageSize = 1024

// Scan describes a scan of the XML.
type Scan struct {
	Name     string
	Points   int64
	Min, Max [3]float64
	Colour   bool // its points have colours
}

// XML gives a document as exporters write it.
func XML(coordinates string, scans ...Scan) string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>
<e57Root type="Structure" xmlns="http://www.astm.org/COMMIT/E57/2010-e57-v1.0" xmlns:nor="http://www.libe57.org/E57_NOR_surface_normals.txt">
  <formatName type="String"><![CDATA[ASTM E57 3D Imaging Data File]]></formatName>
  <guid type="String"><![CDATA[{00000000-0000-4000-8000-000000000001}]]></guid>
  <versionMajor type="Integer">1</versionMajor>
  <versionMinor type="Integer"/>
  <e57LibraryVersion type="String">Made for a test</e57LibraryVersion>
`)
	fmt.Fprintf(&b, "  <coordinateMetadata type=\"String\">%s</coordinateMetadata>\n  <data3D type=\"Vector\" allowHeterogeneousChildren=\"1\">\n", escape(coordinates))
	for _, s := range scans {
		b.WriteString(s.xml())
	}
	b.WriteString("  </data3D>\n  <images2D type=\"Vector\" allowHeterogeneousChildren=\"1\"/>\n</e57Root>\n")
	return b.String()
}

func (s Scan) xml() string {
	colour := ""
	if s.Colour {
		colour = `
          <colorRed type="Integer" minimum="0" maximum="255"/>
          <colorGreen type="Integer" minimum="0" maximum="255"/>
          <colorBlue type="Integer" minimum="0" maximum="255"/>`
	}
	return fmt.Sprintf(`    <vectorChild type="Structure">
      <guid type="String"><![CDATA[{00000000-0000-4000-8000-000000000002}]]></guid>
      <name type="String">%s</name>
      <sensorVendor type="String">A maker</sensorVendor>
      <cartesianBounds type="Structure">
        <xMinimum type="Float">%g</xMinimum><xMaximum type="Float">%g</xMaximum>
        <yMinimum type="Float">%g</yMinimum><yMaximum type="Float">%g</yMaximum>
        <zMinimum type="Float">%g</zMinimum><zMaximum type="Float">%g</zMaximum>
      </cartesianBounds>
      <pose type="Structure">
        <rotation type="Structure"><w type="Float">1</w><x type="Float"/><y type="Float"/><z type="Float"/></rotation>
        <translation type="Structure"><x type="Float">1.5</x><y type="Float">-2</y><z type="Float"/></translation>
      </pose>
      <points type="CompressedVector" fileOffset="48" recordCount="%d">
        <prototype type="Structure">
          <cartesianX type="Float" precision="single" minimum="-100" maximum="100"/>
          <cartesianY type="Float" precision="single" minimum="-100" maximum="100"/>
          <cartesianZ type="ScaledInteger" minimum="-32768" maximum="32767" scale="0.001"/>
          <nor:normalX type="Float" precision="single"/>
          <intensity type="Integer" minimum="0" maximum="4095"/>%s
        </prototype>
        <codecs type="Vector" allowHeterogeneousChildren="1"/>
      </points>
    </vectorChild>
`, escape(s.Name), s.Min[0], s.Max[0], s.Min[1], s.Max[1], s.Min[2], s.Max[2], s.Points, colour)
}

func escape(s string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		panic(err) // a builder takes everything
	}
	return b.String()
}

// File gives a file with the XML behind so many bytes of something else, where a real one has its points.
func File(xml string, before int) []byte {
	const data = PageSize - 4
	logical := make([]byte, 48+before, 48+before+len(xml)+data)
	logical = append(logical, xml...)
	logical = append(logical, make([]byte, (data-len(logical)%data)%data)...)

	at := 48 + before
	copy(logical, "ASTM-E57")
	binary.LittleEndian.PutUint32(logical[8:], 1)
	for i, v := range []int{len(logical) / data * PageSize, at + at/data*4, len(xml), PageSize} {
		binary.LittleEndian.PutUint64(logical[16+8*i:], uint64(v))
	}
	var file []byte
	for ; len(logical) > 0; logical = logical[data:] {
		file = append(file, logical[:data]...)
		file = binary.BigEndian.AppendUint32(file, crc32.Checksum(logical[:data], crc32.MakeTable(crc32.Castagnoli)))
	}
	return file
}

// Seal sets the checksums of a file that was changed.
func Seal(file []byte) []byte {
	for page := file; len(page) >= PageSize; page = page[PageSize:] {
		sum := crc32.Checksum(page[:PageSize-4], crc32.MakeTable(crc32.Castagnoli))
		binary.BigEndian.PutUint32(page[PageSize-4:], sum)
	}
	return file
}
