// Package bars says what a function may take: shared/DESIGN.md, "Numbers to hold". What a busy machine does not move is held by a test
// (infra/deployed), the rest is printed by the benchmark (infra/bench).
package bars

// Memory is what a process of most functions may have at most, resident, in bytes.
const Memory = 30_000_000

// Bars are the most that one function may take.
type Bars struct {
	Start  float64 // from exec to the first poll of the Runtime API, in starts of the least function there is
	Size   int64   // of the program, in bytes
	Memory int64   // that a process has with its events, resident, in bytes
}

// Of are the bars of a function, by its folder.
func Of(function string) Bars {
	b := Bars{Start: 2.5, Size: 12 << 20, Memory: Memory}
	switch function {
	case "orders-graphql": // links an engine of GraphQL
		b.Start, b.Size = 4, 15<<20
	case "work-order": // holds the picture that it draws
		b.Memory = 512_000_000
	}
	return b
}
