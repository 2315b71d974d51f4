package query

// expand counts an operation with every fragment where it is spread, and gives its root fields.
func (r *reader) expand(o operation) ([]string, error) {
	size, err := r.size(o.inside)
	if err != nil {
		return nil, err
	}
	if r.total += size; r.total > MaxFields {
		return nil, r.refuse(o.inside[0].at, "the query has more than %d fields with those of its fragments", MaxFields)
	}
	w := &walk{reader: r}
	if err := w.root(o.inside); err != nil {
		return nil, err
	}
	most := MaxRoots
	if o.kind == "mutation" {
		most = MaxMutations
	}
	if len(w.names) > most {
		return nil, r.refuse(o.inside[0].at, "a %s has %d fields at its root; it may have %d", o.kind, len(w.names), most)
	}
	return w.names, nil
}

// size is how many fields selections have with their fragments, or more than MaxFields. Each fragment is counted once; one that spreads
// itself is refused.
func (r *reader) size(list []selection) (total int, err error) {
	for _, s := range list {
		n := 0
		switch {
		case s.spread != "":
			n, err = r.fragmentSize(s)
		default:
			n, err = r.size(s.inside)
			if s.field != "" {
				n++
			}
		}
		if err != nil {
			return 0, err
		}
		total = min(total+n, MaxFields+1)
	}
	return total, nil
}

func (r *reader) fragmentSize(s selection) (int, error) {
	f := r.fragments[s.spread]
	if f == nil {
		return 0, r.refuse(s.at, "there is no fragment %s", s.spread)
	}
	if f.open {
		return 0, r.refuse(f.at, "the fragment %s spreads itself", s.spread)
	}
	f.used = true
	if f.fields == 0 {
		f.open = true
		n, err := r.size(f.inside)
		if err != nil {
			return 0, err
		}
		f.fields, f.open = n, false
	}
	return f.fields, nil
}

// unused refuses a fragment that nothing spreads: nothing has counted it.
func (r *reader) unused() error {
	for name, f := range r.fragments {
		if !f.used {
			return r.refuse(f.at, "nothing spreads the fragment %s; leave it out", name)
		}
	}
	return nil
}

// walk goes through an operation as it is answered: with fragments in place, and with fields of one name merged into one.
type walk struct {
	*reader
	names []string // of the root's fields
	pairs int      // of fields that are merged: each is compared with each
}

// answers are the fields of one place in the answer, by the name under which they are answered there.
type answers struct {
	order  []string
	fields map[string][]selection
}

// gather puts selections with their fragments into place.
func (w *walk) gather(to *answers, list []selection) {
	for _, s := range list {
		switch {
		case s.spread != "":
			w.gather(to, w.fragments[s.spread].inside)
		case s.field == "":
			w.gather(to, s.inside)
		default:
			if to.fields[s.answer] == nil {
				to.order = append(to.order, s.answer)
			}
			to.fields[s.answer] = append(to.fields[s.answer], s)
		}
	}
}

// root goes through the fields of the root, and what is below them.
func (w *walk) root(list []selection) error {
	return w.each(list, func(same []selection) error {
		most := MaxSchemaDepth
		for _, s := range same {
			w.names = append(w.names, s.field)
			if !isSchema(s.field) {
				most = MaxDepth
			}
		}
		return w.below(same, 2, most)
	})
}

// below goes through what is selected below fields of one name.
func (w *walk) below(same []selection, depth, most int) error {
	var list []selection
	for _, s := range same {
		list = append(list, s.inside...)
	}
	if depth > most && len(list) > 0 {
		return w.tooDeep(list[0].at, most)
	}
	return w.each(list, func(same []selection) error { return w.below(same, depth+1, most) })
}

// each visits the fields of selections by their names in the answer.
func (w *walk) each(list []selection, visit func([]selection) error) error {
	a := answers{fields: map[string][]selection{}}
	w.gather(&a, list)
	for _, n := range a.order {
		same := a.fields[n]
		if w.pairs += len(same) * (len(same) - 1) / 2; w.pairs > MaxPairs {
			return w.refuse(same[1].at, "%s is selected %d times in one place; select it once", n, len(same))
		}
		if err := visit(same); err != nil {
			return err
		}
	}
	return nil
}
