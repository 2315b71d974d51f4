package e57

import (
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
)

// File is what a file says about itself. Coordinates are in metres, as the standard wants.
type File struct {
	Header             Header
	GUID               string
	Library            string // that wrote it
	CoordinateMetadata string // the coordinate system, often as WKT; "": none
	Scans              []Scan // the first MaxScans
	ScanCount          int
	ImageCount         int
}

// Scan is one scan. Texts are cut at MaxText characters.
type Scan struct {
	Name, Description string
	GUID              string
	Vendor, Model     string // of the scanner
	Points            int64
	Bounds            *Bounds // of the points, before Pose; nil: not said
	Pose              *Pose   // how the scan lies in the file's coordinates; nil: as it is
	Fields            []Field // the columns of a point, the first MaxFields
}

// Bounds is the smallest box around points: x, y, z.
type Bounds struct{ Min, Max [3]float64 }

// Pose is a rotation, as a unit quaternion w, x, y, z, and a translation after it.
type Pose struct {
	Rotation    [4]float64
	Translation [3]float64
}

// Field is a column of a scan's points. Limits are as the file spells them; "": none.
type Field struct {
	Name      string // such as cartesianX, intensity or colorRed
	Type      string // Float, Integer or ScaledInteger
	Precision string // of a Float: single or double
	Min, Max  string
}

// The elements that matter, by their path below the root.
const (
	pathScan  = "data3D/vectorChild"
	pathImage = "images2D/vectorChild"
)

// parser follows the XML from element to element.
type parser struct {
	file *File
	path []string // names of the open elements, below the root
	text strings.Builder
	scan *Scan             // the one that is open and is kept
	kind map[string]string // attributes of the open element
}

// parse reads the XML. Whatever it does not know, it passes over: extensions are allowed.
func (f *File) parse(src io.Reader) error {
	p := &parser{file: f}
	d := xml.NewDecoder(src)
	d.CharsetReader = func(name string, _ io.Reader) (io.Reader, error) {
		return nil, invalid("has XML in %q; the standard wants UTF-8", clip(name))
	}
	for depth := 0; ; {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return why(err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if depth++; depth > MaxDepth {
				return invalid("has XML in which more than %d elements are within each other", MaxDepth)
			}
			if err := p.open(t, depth); err != nil {
				return err
			}
		case xml.EndElement:
			if depth--; depth < 0 {
				return invalid("has XML that is broken: </%s> ends what did not begin", t.Name.Local)
			}
			if err := p.close(t, depth); err != nil {
				return err
			}
		case xml.CharData:
			if p.text.Len() < 4*MaxText {
				p.text.Write(t[:min(len(t), 4*MaxText)])
			}
		}
	}
	switch {
	case len(p.path) > 0:
		return invalid("has XML that is broken: it ends within <%s>", p.path[len(p.path)-1])
	case p.kind == nil:
		return invalid("has no XML where its header says it is")
	}
	return nil
}

// why tells apart what is wrong with the XML from what went wrong while it was read.
func why(err error) error {
	var ours *Invalid
	if errors.As(err, &ours) {
		return ours
	}
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		return invalid("has XML that is broken, in line %d: %s", syntax.Line, syntax.Msg)
	}
	return err
}

// open takes the start of an element.
func (p *parser) open(t xml.StartElement, depth int) error {
	p.text.Reset()
	p.kind = map[string]string{}
	for _, a := range t.Attr {
		p.kind[a.Name.Local] = a.Value
	}
	name := t.Name.Local
	if t.Name.Space != "" {
		name = t.Name.Space + ":" + name // a column of an extension
	}
	if depth == 1 {
		if name != "e57Root" {
			return invalid("has XML that does not describe an E57: it begins with <%s>", clip(name))
		}
	}
	p.path = append(p.path, name)
	switch at := p.at(); {
	case at == pathScan:
		p.beginScan()
	case at == pathImage:
		p.file.ImageCount++
	case at == pathScan+"/points" && p.scan != nil:
		n, err := strconv.ParseInt(p.kind["recordCount"], 10, 64)
		if err != nil || n < 0 {
			return invalid("has a scan of %q points", clip(p.kind["recordCount"]))
		}
		p.scan.Points = n
	}
	return nil
}

// at is the path of the open element without the root's name.
func (p *parser) at() string { return strings.Join(p.path[min(1, len(p.path)):], "/") }

func (p *parser) beginScan() {
	p.file.ScanCount++
	p.scan = nil
	if len(p.file.Scans) < MaxScans {
		p.file.Scans = append(p.file.Scans, Scan{})
		p.scan = &p.file.Scans[len(p.file.Scans)-1]
	}
}

// close takes the end of an element.
func (p *parser) close(t xml.EndElement, depth int) error {
	name := t.Name.Local
	if t.Name.Space != "" {
		name = t.Name.Space + ":" + name
	}
	if open := p.path[len(p.path)-1]; open != name {
		return invalid("has XML that is broken: <%s> is closed by </%s>", clip(open), clip(name))
	}
	at := p.at()
	text := clip(strings.TrimSpace(p.text.String()))
	p.path = p.path[:depth]
	if field, ok := strings.CutPrefix(at, pathScan+"/points/prototype/"); ok && p.scan != nil {
		if !strings.Contains(field, "/") && len(p.scan.Fields) < MaxFields {
			p.scan.Fields = append(p.scan.Fields, Field{clip(field), clip(p.kind["type"]), clip(p.kind["precision"]), clip(p.kind["minimum"]), clip(p.kind["maximum"])})
		}
		return nil
	}
	if inScan, ok := strings.CutPrefix(at, pathScan+"/"); ok {
		if p.scan == nil {
			return nil
		}
		return p.value(inScan, text)
	}
	switch at {
	case "guid":
		p.file.GUID = text
	case "e57LibraryVersion":
		p.file.Library = text
	case "coordinateMetadata":
		p.file.CoordinateMetadata = text
	}
	return nil
}

// value takes the text of an element of the open scan.
func (p *parser) value(at, text string) error {
	s := p.scan
	for name, to := range map[string]*string{
		"name": &s.Name, "description": &s.Description, "guid": &s.GUID, "sensorVendor": &s.Vendor, "sensorModel": &s.Model,
	} {
		if at == name {
			*to = text
			return nil
		}
	}
	if to := s.number(at); to != nil {
		v, err := p.float(text)
		if err != nil {
			return invalid("has a scan whose %s is %q, which is no number", at, text)
		}
		*to = v
	}
	return nil
}

// number gives where a number of the scan belongs; nil: nowhere.
func (s *Scan) number(at string) *float64 {
	group, name, _ := strings.Cut(at, "/")
	switch group {
	case "cartesianBounds":
		i := strings.Index("xyz", name[:min(1, len(name))])
		if i < 0 || len(name) < 2 {
			return nil
		}
		if s.Bounds == nil {
			s.Bounds = &Bounds{}
		}
		return map[string]*float64{"Minimum": &s.Bounds.Min[i], "Maximum": &s.Bounds.Max[i]}[name[1:]]
	case "pose":
		if s.Pose == nil {
			s.Pose = &Pose{Rotation: [4]float64{1}}
		}
		r, t := &s.Pose.Rotation, &s.Pose.Translation
		return map[string]*float64{
			"rotation/w": &r[0], "rotation/x": &r[1], "rotation/y": &r[2], "rotation/z": &r[3],
			"translation/x": &t[0], "translation/y": &t[1], "translation/z": &t[2],
		}[name]
	}
	return nil
}

// float reads a number of the open element. An empty one is zero, and a ScaledInteger has its scale beside it.
func (p *parser) float(text string) (float64, error) {
	if text == "" {
		return 0, nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || p.kind["type"] != "ScaledInteger" {
		return v, finite(v, err)
	}
	if scale, ok := p.kind["scale"]; ok {
		f, err := strconv.ParseFloat(scale, 64)
		if err != nil {
			return 0, err
		}
		v *= f
	}
	if offset, ok := p.kind["offset"]; ok {
		f, err := strconv.ParseFloat(offset, 64)
		if err != nil {
			return 0, err
		}
		v += f
	}
	return v, finite(v, nil)
}

// finite refuses NaN and infinity.
func finite(v float64, err error) error {
	if err == nil && v-v != 0 {
		return strconv.ErrRange
	}
	return err
}

// clip cuts a text at MaxText characters, and takes out what is no UTF-8.
func clip(s string) string {
	s = strings.ToValidUTF8(s, "�")
	n := 0
	for i := range s {
		if n == MaxText {
			return s[:i]
		}
		n++
	}
	return s
}
