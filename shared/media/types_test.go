package media

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTypesAreThoseOfTheContractAndOfScans(t *testing.T) {
	want := []string{
		"application/pdf", "audio/mpeg", "audio/ogg", "audio/wav", "image/avif", "image/gif", "image/heic", "image/heif", "image/jpeg",
		"image/png", "image/webp", "model/e57", "model/x-xyz", "video/mp4", "video/quicktime", "video/webm",
	}
	if diff := cmp.Diff(want, Types()); diff != "" {
		t.Errorf("Types differs (-want +got):\n%s", diff)
	}
}

func TestAgree(t *testing.T) {
	for name, c := range map[string]struct {
		declared, found string
		want            bool
	}{
		"nothing declared agrees with a picture":    {"", "image/png", true},
		"unknown bytes agree with a film":           {"application/octet-stream", "video/mp4", true},
		"the same type agrees":                      {"image/png", "image/png", true},
		"case and parameters do not matter":         {" Image/PNG; q=1", "image/png", true},
		"a PNG declared as JPEG is still a picture": {"image/jpg", "image/png", true},
		"an old name of MP3 agrees":                 {"audio/mp3", "audio/mpeg", true},
		"an old name of WAV agrees":                 {"audio/x-wav", "audio/wav", true},
		"application/ogg is sound":                  {"application/ogg", "audio/ogg", true},
		"a picture declared as film disagrees":      {"video/mp4", "image/png", false},
		"a film declared as picture disagrees":      {"image/png", "video/mp4", false},
		"a document declared as picture disagrees":  {"image/png", "application/pdf", false},
		"a picture declared as page disagrees":      {"text/html", "image/png", false},
		"two types of no class disagree":            {"text/html", "text/plain", false},
		"a word that is no type disagrees":          {"image", "image/png", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Agree(c.declared, c.found); got != c.want {
				t.Errorf("Agree(%q, %q) = %v, want %v", c.declared, c.found, got, c.want)
			}
		})
	}
}

func TestWhatIsKnownOfATypeByItself(t *testing.T) {
	type facts struct {
		Class, Extension string
		Allowed, Inline  bool
	}
	for contentType, want := range map[string]facts{
		"image/jpeg":             {"image", ".jpg", true, true},
		"image/jpg":              {"image", ".jpg", true, true},
		"IMAGE/HEIC":             {"image", ".heic", true, true},
		"image/svg+xml":          {"image", "", false, false},
		"video/quicktime":        {"video", ".mov", true, true},
		"audio/mp3":              {"audio", ".mp3", true, true},
		"audio/ogg; codecs=opus": {"audio", ".ogg", true, true},
		"application/pdf":        {"document", ".pdf", true, false},
		"model/e57":              {"scan", ".e57", true, false},
		"chemical/x-xyz":         {"scan", ".xyz", true, false},
		"text/html":              {"", "", false, false},
		"":                       {"", "", false, false},
		"image/":                 {"", "", false, false},
	} {
		t.Run(contentType, func(t *testing.T) {
			got := facts{Class(contentType), Extension(contentType), Allowed(contentType), Inline(contentType)}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("facts differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryAliasStandsForAnAllowedType(t *testing.T) {
	for a, stands := range aliases {
		if f := byType(stands); f == nil || f.mime != stands {
			t.Errorf("%q stands for %q, which is not allowed", a, stands)
		}
	}
}
