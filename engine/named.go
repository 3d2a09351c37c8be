package engine

// few is how many names are looked through sooner than they are hashed: nearly always the text that is asked for is the
// very text that was entered, and then a comparison is one of two pointers.
const few = 8

// named finds functions by the name that each is registered under.
type named[F any] struct {
	first []slot[F] // the first few
	rest  map[string]F
}

type slot[F any] struct {
	name string
	of   F
}

// set enters a function, or replaces it.
func (n *named[F]) set(name string, of F) {
	for i := range n.first {
		if n.first[i].name == name {
			n.first[i].of = of
			return
		}
	}
	if len(n.first) < few {
		n.first = append(n.first, slot[F]{name, of})
		return
	}
	if n.rest == nil {
		n.rest = map[string]F{}
	}
	n.rest[name] = of
}

// get finds a function.
func (n *named[F]) get(name string) (of F, ok bool) {
	for i := range n.first {
		if n.first[i].name == name {
			return n.first[i].of, true
		}
	}
	of, ok = n.rest[name]
	return of, ok
}
