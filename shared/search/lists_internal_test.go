package search

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/name"
	"github.com/assetry/assetry/shared/table"
)

func TestListsOfATextByHowManyWordsItHas(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"no word at all", " .-", nil},
		{"words too short for a list", "a of 12", nil},
		{"a short word", "sum", []string{"w#sum"}},
		{"a long word has four lists", "summertime", []string{"w#sum", "w#summ", "w#summe", "w#summer"}},
		{"beginnings that words share are one list", "Summer, summary", []string{"w#sum", "w#summ", "w#summa", "w#summar", "w#summe", "w#summer"}},
		{"case and accents do not matter", "ÉTÉ.png", []string{"w#ete", "w#png"}},
		{"a file name of a camera", "IMG_1234.jpg", []string{"w#123", "w#1234", "w#img", "w#jpg"}},
		{"characters of scripts without spaces", "夏の海", []string{"w#の", "w#夏", "w#海"}},
		{"a mark belongs to its character", "が", []string{"w#か"}},
		{"four long words are the most of their kind", "abcdef bcdefg cdefgh defghi", []string{
			"w#abc", "w#abcd", "w#abcde", "w#abcdef", "w#bcd", "w#bcde", "w#bcdef", "w#bcdefg",
			"w#cde", "w#cdef", "w#cdefg", "w#cdefgh", "w#def", "w#defg", "w#defgh", "w#defghi",
		}},
		{"five long words", "abcdef bcdefg cdefgh defghi efghij a 海", []string{"o#abc", "o#bcd", "o#cde", "o#def", "o#efg", "o#海"}},
		{"seventeen words", "aaa bbb ccc ddd eee fff ggg hhh iii jjj kkk lll mmm nnn ooo ppp qqq", []string{"all"}},
		{"seventeen words of sixteen beginnings", "aaaa aaab bbb ccc ddd eee fff ggg hhh iii jjj kkk lll mmm nnn ooo ppp", []string{
			"o#aaa", "o#bbb", "o#ccc", "o#ddd", "o#eee", "o#fff", "o#ggg", "o#hhh", "o#iii", "o#jjj", "o#kkk", "o#lll", "o#mmm", "o#nnn", "o#ooo", "o#ppp",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, listsOf(wordsOf(tt.text))); diff != "" {
				t.Errorf("lists of %q (-want +got):\n%s", tt.text, diff)
			}
		})
	}
}

// drawText draws a text of any number of words, some alike.
func drawText(t *rapid.T) string {
	word := rapid.OneOf(rapid.StringMatching(`[abé]{1,9}`), rapid.StringMatching(`[a-zß]{1,12}`), rapid.SampledFrom([]string{"夏", "海", "か", "が", "🎨", "한국", "ｅｔｅ"}), rapid.String())
	n := rapid.SampledFrom([]int{0, 1, 3, 6, 12, 30, 60}).Draw(t, "how many")
	return strings.Join(rapid.SliceOfN(word, n, n).Draw(t, "words"), " ")
}

// TestNoListIsMissed draws texts and words of searches: what begins a word is in one of the lists that the search reads, and no asset is in too
// many.
func TestNoListIsMissed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := wordsOf(drawText(t))
		lists := listsOf(words)
		if len(lists) > MaxEntries {
			t.Fatalf("%d lists", len(lists))
		}
		for _, w := range words {
			begins := []rune(w)
			q := string(begins[:rapid.IntRange(1, len(begins)).Draw(t, "characters")])
			if !hasLists(q) {
				continue
			}
			if !slices.ContainsFunc(listsWith(q), func(list string) bool { return slices.Contains(lists, list) }) {
				t.Fatalf("%q begins %q, and a search reads %q, but the asset is in %q", q, w, listsWith(q), lists)
			}
		}
	})
}

// TestAnEntryMayMatchWheneverItsTextDoes holds the check of entries against the rule for texts.
func TestAnEntryMayMatchWheneverItsTextDoes(t *testing.T) {
	w := id.NewWorkspace(time.Now())
	a := id.NewAsset(w, time.Now())
	rapid.Check(t, func(rt *rapid.T) {
		text := drawText(rt)
		query := name.Words(drawText(rt))
		e := text1(text)
		hs, err := hits(w, []table.Item{entry(w, 0, wordList+"abc", a, e)})
		if err != nil {
			rt.Fatal(err)
		}
		want := name.Match(query, text) || hs[0].unknown
		if got := hs[0].May(query); got != want {
			rt.Fatalf("May(%q) on %q = %v, want %v", query, text, got, want)
		}
	})
}

func text1(s string) text { return text{wordsOf(s), 1} }

// TestEntriesCostOneUnit holds what a change writes: entries of one unit each, and of the one in the list of all at most four.
func TestEntriesCostOneUnit(t *testing.T) {
	w := id.NewWorkspace(time.Now())
	a := id.NewAsset(w, time.Now())
	units := func(t *rapid.T, text text, list string) float64 {
		return table.WriteUnits(entry(w, 255, list, a, text).Size())
	}
	rapid.Check(t, func(t *rapid.T) {
		length := rapid.SampledFrom([]int{10, 795, 800, 801, 3_895, 3_900, 3_901, 9_000}).Draw(t, "bytes")
		text := text{[]string{strings.Repeat("x", length)}, 1 << 50}
		if got := units(t, text, wordList+"𐐨𐐨𐐨𐐨𐐨𐐨"); got != 1 {
			t.Fatalf("an entry with %d bytes of words costs %v units", length, got)
		}
		if got := units(t, text, allList); got > 4 {
			t.Fatalf("an entry in the list of all with %d bytes of words costs %v units", length, got)
		}
	})
}

func FuzzLists(f *testing.F) {
	for _, seed := range []string{"", "a picture of something.png", "夏の海", "がぎぐ", "ﷺﷺﷺ", "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen quick brown fox jumps over lazy dog", strings.Repeat("abcdefg ", 40), "\xff\x00é"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		words := wordsOf(s)
		lists := listsOf(words)
		if len(lists) > MaxEntries {
			t.Errorf("%d lists", len(lists))
		}
		for _, w := range words {
			if hasLists(w) && !slices.ContainsFunc(listsWith(w), func(list string) bool { return slices.Contains(lists, list) }) {
				t.Errorf("the word %q is in none of the lists", w)
			}
		}
	})
}
