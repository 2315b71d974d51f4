package link

import (
	"mime"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestDisposition(t *testing.T) {
	for _, tt := range []struct{ name, file, want string }{
		{"plain ASCII", "a b.png", `inline; filename="a b.png"; filename*=UTF-8''a%20b.png`},
		{"accents", "été.png", `inline; filename="_t_.png"; filename*=UTF-8''%C3%A9t%C3%A9.png`},
		{"emoji", "🎉.gif", `inline; filename="_.gif"; filename*=UTF-8''%F0%9F%8E%89.gif`},
		{"quotes", `say "hi".png`, `inline; filename="say _hi_.png"; filename*=UTF-8''say%20%22hi%22.png`},
		{"a percent sign", "100%25.png", `inline; filename="100_25.png"; filename*=UTF-8''100%2525.png`},
		{"a semicolon stays inside the quotes", "a;b.png", `inline; filename="a;b.png"; filename*=UTF-8''a%3Bb.png`},
		{"an apostrophe", "it's.png", `inline; filename="it's.png"; filename*=UTF-8''it%27s.png`},
		{"right-to-left script", "שלום.png", `inline; filename="____.png"; filename*=UTF-8''%D7%A9%D7%9C%D7%95%D7%9D.png`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := disposition("inline", fileName(tt.file, "fallback")); got != tt.want {
				t.Errorf("disposition of %q = %q, want %q", tt.file, got, tt.want)
			}
		})
	}
}

func TestFileName(t *testing.T) {
	long := strings.Repeat("x", 251) + ".png"
	for _, tt := range []struct{ name, file, want string }{
		{"a name is kept", "Ferien 2026.jpg", "Ferien 2026.jpg"},
		{"no name gives the fallback", "", "fallback.png"},
		{"dots alone give the fallback", "..", "fallback.png"},
		{"blanks alone give the fallback", "  ", "fallback.png"},
		{"a path is one name", "../../etc/passwd", ".._.._etc_passwd"},
		{"a Windows path is one name", `C:\boot.ini`, "C__boot.ini"},
		{"a new line does not begin a header", "a\r\nSet-Cookie: x=1", "a__Set-Cookie_ x=1"},
		{"a null character", "a\x00.png", "a_.png"},
		{"a line separator", "a\u2028b.png", "a_b.png"},
		{"a mark that reverses reading", "photo\u202egnp.exe", "photo_gnp.exe"},
		{"broken UTF-8", "a\xff\xfeb.png", "a_b.png"},
		{"255 characters", long, long},
		{"256 characters lose one before the extension", "x" + long, long},
		{"255 emoji are cut between characters", strings.Repeat("🎉", 255), strings.Repeat("🎉", 63)},
		{"a long name keeps its extension", strings.Repeat("é", 255) + ".jpeg", strings.Repeat("é", 125) + ".jpeg"},
		{"what is too long to be an extension is cut", strings.Repeat("a", 10) + "." + strings.Repeat("b", 300), strings.Repeat("a", 10) + "." + strings.Repeat("b", 244)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := fileName(tt.file, "fallback.png"); got != tt.want {
				t.Errorf("fileName(%q) = %q, want %q", tt.file, got, tt.want)
			}
		})
	}
}

func TestDispositionIsOneSafeHeaderForAnyName(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		given := string(rapid.SliceOfN(rapid.Byte(), 0, 400).Draw(rt, "bytes"))
		if rapid.Bool().Draw(rt, "text") {
			given = rapid.String().Draw(rt, "string")
		}
		checkDisposition(rt, given)
	})
}

func FuzzDisposition(f *testing.F) {
	for _, seed := range []string{"", "a.png", `"; filename=evil.html; x="`, "a\r\nb", "🎉\u202e", "\xff", strings.Repeat("é", 300), `\"`, "%0d%0a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) { checkDisposition(t, given) })
}

type reporter interface {
	Errorf(format string, args ...any)
}

// checkDisposition holds the header of a name against what every reader of it relies on.
func checkDisposition(t reporter, given string) {
	file := fileName(given, "fallback.png")
	header := disposition("attachment", file)
	if i := strings.IndexFunc(header, func(r rune) bool { return r < ' ' || r > '~' }); i >= 0 {
		t.Errorf("header %q of %q has a character outside printable ASCII", header, given)
	}
	if file == "" || len(file) > maxFileName || !utf8.ValidString(file) || strings.ContainsAny(file, "/\\\x00\r\n") {
		t.Errorf("fileName(%q) = %q, want 1 to %d safe bytes", given, file, maxFileName)
	}
	kind, params, err := mime.ParseMediaType(header)
	if err != nil || kind != "attachment" || len(params) != 1 || params["filename"] != file {
		t.Errorf("header %q of %q parses as %q, %v, %v, want the one file name %q", header, given, kind, params, err, file)
	}
}
