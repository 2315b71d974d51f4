// Package search finds assets by the beginnings of the words of their names and descriptions, at a cost that does not grow with their number.
//
// The index is lists of assets, newest first, in a table of its own. An asset is in as few of them as hold all of its words, at most
// MaxEntries, so that what a change costs is bounded whatever people write:
//
//   - w#<beginning>: every word under its first 3, 4, 5 and 6 characters, where that is not too many;
//   - o#<beginning>: else every word under its first 3 characters only;
//   - all: else the asset is in the one list that every search reads.
//
// Words of one or two characters have no list: a search for nothing longer reads rows, as all do without an index. Scripts that are written
// without spaces have words of one character, each with its list. A search reads the three lists that can hold a word, merged by time; the
// other words, and what is longer than six characters, are checked against the words that an entry keeps. So nothing is missed, ever, and
// what an entry promises is checked against the row before anybody sees it: entries follow the rows through the table's stream, and may
// be behind.
//
// Entries carry the version of the row they were made from. They are written where none is newer and removed where none is newer, so that
// changes may be delivered twice, late and out of order. An entry that such a delivery leaves behind costs a search one row read, no more.
package search

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/name"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// Limits of the index.
const (
	MaxEntries = 16 // entries of one asset, each of one write unit; the one in the list of all has up to four

	shortest = 3 // characters of the shortest beginning with a list: shorter ones begin too much
	longest  = 6 // characters of the longest; what follows is checked against the entry

	// Bytes of words that an entry keeps. With them it stays under 1 KB, and the single entry of an asset with many words under 4 KB.
	maxWords    = 800
	maxAllWords = 3_900
)

// Names of lists, and what begins those of a beginning.
const (
	wordList = "w#"
	overList = "o#"
	allList  = "all"
)

// Workspaces finds workspaces; account.Service does. The error is fault.NotFound when there is none.
type Workspaces interface {
	Workspace(ctx context.Context, w id.Workspace) (account.Workspace, error)
}

// Service keeps the index and reads it. Safe for concurrent use.
type Service struct {
	rows       table.Table
	index      table.Table
	workspaces Workspaces
}

// New makes a Service on the table of the assets and the table of the index.
func New(rows, index table.Table, ws Workspaces) *Service { return &Service{rows, index, ws} }

// wordsOf are the distinct words of some texts, in order.
func wordsOf(texts ...string) []string {
	var words []string
	for _, t := range texts {
		words = append(words, name.Words(t)...)
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// listsOf are the lists that an asset with some distinct words belongs into: at most MaxEntries.
func listsOf(words []string) []string {
	if lists := listsUnder(wordList, longest, words); len(lists) <= MaxEntries {
		return lists
	}
	if lists := listsUnder(overList, shortest, words); len(lists) <= MaxEntries {
		return lists
	}
	return []string{allList}
}

// listsUnder are the lists of the words' beginnings up to a length, or none of a word that has no list.
func listsUnder(prefix string, upTo int, words []string) []string {
	var lists []string
	for _, w := range words {
		if name.IsCharacter(w) {
			lists = append(lists, prefix+first(w, 1))
			continue
		}
		n := min(utf8.RuneCountInString(w), upTo)
		for length := shortest; length <= n; length++ {
			lists = append(lists, prefix+first(w, length))
		}
	}
	slices.Sort(lists)
	return slices.Compact(lists)
}

// listsWith are the lists that together hold every asset of which a word begins like this one.
func listsWith(word string) []string {
	if name.IsCharacter(word) {
		return []string{wordList + first(word, 1), overList + first(word, 1), allList}
	}
	return []string{wordList + first(word, longest), overList + first(word, shortest), allList}
}

// first is the beginning of n characters, or the whole word if it is shorter.
func first(word string, n int) string {
	for i := range word {
		if n == 0 {
			return word[:i]
		}
		n--
	}
	return word
}

// Finds says whether the index can look for any of a search's words (from name.Words).
func Finds(words []string) bool { return slices.ContainsFunc(words, hasLists) }

func hasLists(word string) bool {
	return name.IsCharacter(word) || utf8.RuneCountInString(word) >= shortest
}

// entry is the item of an asset in a list.
func entry(w id.Workspace, shard int, list string, a id.Asset, t text) table.Item {
	k := schema.SearchKey(w, shard, list, a)
	it := table.Item{
		table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK),
		schema.Version: table.Int(t.version),
	}
	keep := maxWords
	if list == allList {
		keep = maxAllWords
	}
	if words := strings.Join(t.words, " "); len(words) <= keep {
		it[schema.Words] = table.String(words)
	}
	return it
}
