package query

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// kind is what a token is. Punctuators are themselves, as a byte.
type kind byte

const (
	end    kind = 0
	name   kind = 'n'
	number kind = '0'
	text   kind = '"'
	spread kind = '.' // three of them
)

// token is one word of a document.
type token struct {
	kind kind
	text string // of a name
	at   int    // where it begins, in bytes
}

// scanner cuts a document into tokens, once, from front to back. It keeps nothing of what it has read. Where it is stricter than the parser
// that follows, it says so; where it were laxer, the limits would not hold.
type scanner struct {
	src      string
	next     int // where the next token may begin
	comments int
	tokens   int
}

// scan is the next token.
func (s *scanner) scan() (token, error) {
	if err := s.skip(); err != nil {
		return token{}, err
	}
	s.tokens++
	at := s.next
	if at == len(s.src) {
		return token{end, "", at}, nil
	}
	switch c := s.src[at]; {
	case isNameStart(c):
		for s.next < len(s.src) && (isNameStart(s.src[s.next]) || isDigit(s.src[s.next])) {
			s.next++
		}
		return s.name(at)
	case isDigit(c) || c == '-':
		return s.number(at)
	case c == '"':
		return s.text(at)
	case strings.HasPrefix(s.src[at:], "..."):
		s.next += len("...")
		return token{spread, "", at}, nil
	case strings.IndexByte("!$&():=@[]{|}", c) >= 0:
		s.next++
		return token{kind(c), "", at}, nil
	}
	r, _ := utf8.DecodeRuneInString(s.src[at:])
	return token{}, s.refuse(at, "the character %q has no meaning here", r)
}

func (s *scanner) name(at int) (token, error) {
	if s.next-at > MaxName {
		return token{}, s.refuse(at, "a name has %d characters; names have at most %d", s.next-at, MaxName)
	}
	return token{name, s.src[at:s.next], at}, nil
}

const byteOrderMark = "\uFEFF"

// skip passes over what means nothing: white space, commas, comments, byte order marks.
func (s *scanner) skip() error {
	for s.next < len(s.src) {
		switch s.src[s.next] {
		case ' ', '\t', '\n', '\r', ',':
			s.next++
		case byteOrderMark[0]:
			if !strings.HasPrefix(s.src[s.next:], byteOrderMark) {
				return nil
			}
			s.next += len(byteOrderMark)
		case '#':
			if s.comments++; s.comments > MaxComments {
				return s.refuse(s.next, "the query has more than %d comments; leave them out", MaxComments)
			}
			if line := strings.IndexAny(s.src[s.next:], "\n\r"); line >= 0 {
				s.next += line
			} else {
				s.next = len(s.src)
			}
		default:
			return nil
		}
	}
	return nil
}

// number passes over a number, which has to be one that 64 bits can hold.
func (s *scanner) number(at int) (token, error) {
	for s.next < len(s.src) && (isNameStart(s.src[s.next]) || isDigit(s.src[s.next]) || strings.IndexByte("+-.", s.src[s.next]) >= 0) {
		s.next++
	}
	written := s.src[at:s.next]
	if !isNumber(written) {
		return token{}, s.refuse(at, "%.40q is not how a number is written", written)
	}
	var err error
	if strings.ContainsAny(written, ".eE") {
		_, err = strconv.ParseFloat(written, 64)
	} else {
		_, err = strconv.ParseInt(written, 10, 64)
	}
	if err != nil {
		return token{}, s.refuse(at, "the number %.40s is larger than 64 bits hold", written)
	}
	return token{number, "", at}, nil
}

// isNumber says whether a text is an IntValue or a FloatValue.
func isNumber(s string) bool {
	digits := func() bool {
		rest := strings.TrimLeft(s, "0123456789")
		ok := rest != s
		s = rest
		return ok
	}
	s = strings.TrimPrefix(s, "-")
	zero, whole := strings.HasPrefix(s, "0"), s
	if !digits() || zero && len(whole)-len(s) > 1 {
		return false
	}
	if rest, ok := strings.CutPrefix(s, "."); ok {
		if s = rest; !digits() {
			return false
		}
	}
	if s != "" && s[0]|0x20 == 'e' {
		if s = s[1:]; s != "" && strings.IndexByte("+-", s[0]) >= 0 {
			s = s[1:]
		}
		if !digits() {
			return false
		}
	}
	return s == ""
}

const blockQuote = `"""`

// text passes over a string or a block of text.
func (s *scanner) text(at int) (token, error) {
	if strings.HasPrefix(s.src[at:], blockQuote) {
		return s.block(at)
	}
	for s.next = at + 1; s.next < len(s.src); s.next++ {
		switch s.src[s.next] {
		case '"':
			s.next++
			return token{text, "", at}, nil
		case '\\':
			if isSurrogate(s.src[s.next:]) {
				return token{}, s.refuse(s.next, "%.6s is half of a character; write the character itself", s.src[s.next:])
			}
			s.next++
		case '\n', '\r':
			return token{}, s.refuse(at, "a string does not end on its line")
		}
	}
	return token{}, s.refuse(at, "a string does not end")
}

// isSurrogate says whether an escape stands for half of a UTF-16 pair. The parser would replace it in silence.
func isSurrogate(escape string) bool {
	return len(escape) >= 4 && escape[1] == 'u' && escape[2]|0x20 == 'd' && strings.IndexByte("89abcdefABCDEF", escape[3]) >= 0
}

// block passes over a block of text. Of more than three quotes at its end the last three end it.
func (s *scanner) block(at int) (token, error) {
	for s.next = at + len(blockQuote); s.next < len(s.src); {
		switch {
		case strings.HasPrefix(s.src[s.next:], `\`+blockQuote):
			s.next += len(`\` + blockQuote)
		case s.src[s.next] != '"':
			s.next++
		default:
			from := s.next
			for s.next < len(s.src) && s.src[s.next] == '"' {
				s.next++
			}
			if s.next-from >= len(blockQuote) {
				return token{text, "", at}, nil
			}
		}
	}
	return token{}, s.refuse(at, "a block of text does not end")
}

func isNameStart(c byte) bool { return c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool     { return '0' <= c && c <= '9' }
