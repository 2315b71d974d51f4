package tabletest

import (
	"context"
	"strings"
	"testing"

	"github.com/assetry/assetry/shared/table"
)

func testWrites(t *testing.T, open Open) {
	d := open(t, Options{})
	for name, run := range map[string]func(*testing.T, Driver, string){
		"put answers and stores the whole item":                    putStores,
		"put replaces: attributes left out are gone":               putReplaces,
		"update changes what it names and keeps the rest":          updateKeeps,
		"update of an absent item loses":                           updateAbsent,
		"delete answers nil and the item is gone":                  deleteRemoves,
		"delete of an absent item loses":                           deleteAbsent,
		"removing an attribute that is not there changes nothing":  removeNothing,
		"add counts an absent attribute as zero":                   addToAbsent,
		"add is exact":                                             addExact,
		"add to something else is refused and changes nothing":     addToText,
		"a sum over 38 digits is refused and changes nothing":      addTooLong,
		"the loser of a version gets the winner's item":            loserGetsWinner,
		"a written item is a copy: changing the argument is safe":  writeCopies,
		"an answered item is a copy: changing it changes no row":   answerCopies,
		"writing what is already there succeeds":                   writeSame,
		"keys differ by every byte":                                keysExact,
		"a check alone writes nothing and answers as the item is":  checkAlone,
		"an update may edit many attributes of every kind at once": updateMany,
	} {
		t.Run(name, func(t *testing.T) { run(t, d, name) })
	}
}

func putStores(t *testing.T, d Driver, pk string) {
	it := row(pk, "a", "n", table.Int(1))
	wantItem(t, "answer", mustWrite(t, d, table.Put(it, table.Absent())), it)
	wantStored(t, d, it.Key(), it)
}

func putReplaces(t *testing.T, d Driver, pk string) {
	mustPut(t, d, row(pk, "a", "n", table.Int(1), "old", table.Bool(true)))
	next := row(pk, "a", "n", table.Int(2))
	wantItem(t, "answer", mustWrite(t, d, table.Put(next, table.Eq("n", table.Int(1)))), next)
	wantStored(t, d, next.Key(), next)
}

func updateKeeps(t *testing.T, d Driver, pk string) {
	it := row(pk, "a", "n", table.Int(1), "s", table.String("x"), "r", table.Null{}, "keep", table.List{table.String("k")})
	mustPut(t, d, it)
	want := row(pk, "a", "n", table.Int(3), "s", table.String("y"), "keep", table.List{table.String("k")})
	got := mustWrite(t, d, table.Update(it.Key(), table.Eq("n", table.Int(1)),
		table.Add("n", table.Int(2)), table.Set("s", table.String("y")), table.Remove("r")))
	wantItem(t, "answer", got, want)
	wantStored(t, d, it.Key(), want)
}

func updateAbsent(t *testing.T, d Driver, pk string) {
	k := table.Key{PK: pk, SK: "a"}
	for _, c := range []table.Cond{table.Absent(), table.Present(), always()} {
		_, err := d.Write(context.Background(), table.Update(k, c, table.Set("n", table.Int(1))))
		wantLost(t, err, nil)
	}
	wantStored(t, d, k, nil)
}

func deleteRemoves(t *testing.T, d Driver, pk string) {
	it := row(pk, "a", "n", table.Int(1))
	mustPut(t, d, it)
	wantItem(t, "answer", mustWrite(t, d, table.Delete(it.Key(), table.Eq("n", table.Int(1)))), nil)
	wantStored(t, d, it.Key(), nil)
}

func deleteAbsent(t *testing.T, d Driver, pk string) {
	for _, c := range []table.Cond{table.Absent(), table.Present(), always()} {
		_, err := d.Write(context.Background(), table.Delete(table.Key{PK: pk, SK: "a"}, c))
		wantLost(t, err, nil)
	}
}

func removeNothing(t *testing.T, d Driver, pk string) {
	it := row(pk, "a", "n", table.Int(1))
	mustPut(t, d, it)
	wantItem(t, "answer", mustWrite(t, d, table.Update(it.Key(), table.Present(), table.Remove("none"))), it)
}

func addToAbsent(t *testing.T, d Driver, pk string) {
	it := row(pk, "a")
	mustPut(t, d, it)
	got := mustWrite(t, d, table.Update(it.Key(), table.Present(), table.Add("n", "-1.5")))
	wantItem(t, "answer", got, with(it, "n", table.Number("-1.5")))
}

func addExact(t *testing.T, d Driver, pk string) {
	for i, c := range []struct{ a, b, sum table.Number }{
		{"0.1", "0.2", "0.3"},
		{"99999999999999999999999999999999999998", "1", "99999999999999999999999999999999999999"},
		{"12345678901234567890123456789012345678", "-12345678901234567890123456789012345678", "0"},
		{"0.00000000000000000000000000000000000001", "0.5", "0.50000000000000000000000000000000000001"},
		{"9.5", "0.5", "10"},
		{"-3", "2.25", "-0.75"},
	} {
		it := row(pk, string(rune('a'+i)), "n", c.a)
		mustPut(t, d, it)
		got := mustWrite(t, d, table.Update(it.Key(), table.Present(), table.Add("n", c.b)))
		if got["n"] != c.sum {
			t.Errorf("%s + %s is %v, want %s", c.a, c.b, got["n"], c.sum)
		}
	}
}

func addToText(t *testing.T, d Driver, pk string) {
	it := row(pk, "a", "n", table.String("5"))
	mustPut(t, d, it)
	_, err := d.Write(context.Background(), table.Update(it.Key(), table.Present(), table.Add("n", table.Int(1))))
	wantInvalid(t, err)
	wantStored(t, d, it.Key(), it)
}

func addTooLong(t *testing.T, d Driver, pk string) {
	for sk, by := range map[string]table.Number{
		"low":  "0.1",
		"high": "100000000000000000000000000000000000000000",
	} {
		it := row(pk, sk, "n", table.Number("12345678901234567890123456789012345678"))
		mustPut(t, d, it)
		_, err := d.Write(context.Background(), table.Update(it.Key(), table.Present(), table.Add("n", by)))
		wantInvalid(t, err)
		wantStored(t, d, it.Key(), it)
	}
}

func loserGetsWinner(t *testing.T, d Driver, pk string) {
	it := row(pk, "a", "version", table.Int(1))
	mustPut(t, d, it)
	move := func(who string) (table.Item, error) {
		return d.Write(context.Background(), table.Update(it.Key(), table.Eq("version", table.Int(1)),
			table.Add("version", table.Int(1)), table.Set("who", table.String(who))))
	}
	won, err := move("first")
	if err != nil {
		t.Fatal(err)
	}
	_, err = move("second")
	wantLost(t, err, won)
}

func writeCopies(t *testing.T, d Driver, pk string) {
	it := row(pk, "a", "b", table.Bytes("abc"), "l", table.List{table.Int(1)})
	want := it.Clone()
	mustPut(t, d, it)
	it["b"].(table.Bytes)[0] = 'X'
	it["l"].(table.List)[0] = table.Int(2)
	it["new"] = table.Null{}
	wantStored(t, d, it.Key(), want)
}

func answerCopies(t *testing.T, d Driver, pk string) {
	it := row(pk, "a", "b", table.Bytes("abc"))
	want := it.Clone()
	got := mustWrite(t, d, table.Put(it, table.Absent()))
	got["b"].(table.Bytes)[0] = 'X'
	mustGet(t, d, it.Key())["b"].(table.Bytes)[1] = 'X'
	wantStored(t, d, want.Key(), want)
}

func writeSame(t *testing.T, d Driver, pk string) {
	it := row(pk, "a", "n", table.Int(1))
	mustPut(t, d, it)
	wantItem(t, "put again", mustWrite(t, d, table.Put(it, table.Present())), it)
	wantItem(t, "set again", mustWrite(t, d, table.Update(it.Key(), table.Present(), table.Set("n", table.Int(1)))), it)
	wantItem(t, "add zero", mustWrite(t, d, table.Update(it.Key(), table.Present(), table.Add("n", table.Int(0)))), it)
	wantStored(t, d, it.Key(), it)
}

func keysExact(t *testing.T, d Driver, pk string) {
	keys := []string{"a", "A", "a ", "a\x00", "a\x00b", "ä", "a\u0308", "😀", "%", "'", strings.Repeat("k", table.MaxSKSize)}
	for i, sk := range keys {
		mustWrite(t, d, table.Put(row(pk, sk, "n", table.Int(int64(i))), table.Absent()))
	}
	for i, sk := range keys {
		wantStored(t, d, table.Key{PK: pk, SK: sk}, row(pk, sk, "n", table.Int(int64(i))))
	}
	long := row(strings.Repeat("p", table.MaxPKSize), "a")
	mustPut(t, d, long)
	wantStored(t, d, long.Key(), long)
}

func checkAlone(t *testing.T, d Driver, pk string) {
	it := row(pk, "a", "n", table.Int(1))
	mustPut(t, d, it)
	wantItem(t, "answer", mustWrite(t, d, table.Check(it.Key(), table.Eq("n", table.Int(1)))), nil)
	_, err := d.Write(context.Background(), table.Check(it.Key(), table.Eq("n", table.Int(2))))
	wantLost(t, err, it)
	wantStored(t, d, it.Key(), it)
}

func updateMany(t *testing.T, d Driver, pk string) {
	it := row(pk, "a")
	want := it.Clone()
	var edits []table.Edit
	for i := range table.MaxEdits {
		name := "attribute " + strings.Repeat("x", i)
		switch i % 3 {
		case 0:
			want[name] = table.String(name)
			edits = append(edits, table.Set(name, table.String(name)))
		case 1:
			want[name] = table.Int(int64(i))
			edits = append(edits, table.Add(name, table.Int(int64(i))))
		default:
			it[name] = table.Bool(true)
			edits = append(edits, table.Remove(name))
		}
	}
	mustPut(t, d, it)
	wantItem(t, "answer", mustWrite(t, d, table.Update(it.Key(), table.Present(), edits...)), want)
	wantStored(t, d, it.Key(), want)
}
