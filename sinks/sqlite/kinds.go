package sqlite

import (
	"errors"

	"github.com/ncruces/go-sqlite3"

	"github.com/orchestrix-go/orchestrix/engine"
)

// kind is what most events of a type share; the table kinds holds each once. Its rows never change.
type kind struct{ typ, source, contentType, schema string }

func kindOf(m *engine.Message) kind { return kind{m.Type, m.Source, m.ContentType, m.Schema} }

// The columns of a kind, in the sequence in which they are scanned (from 0).
const kindColumns = "type, source, content_type, schema, checksum"

const insertKindSQL = "INSERT INTO kinds (id, " + kindColumns + ") VALUES (?,?,?,?,?,?)"

// cachedKinds bounds the kinds that a cache keeps; beyond, it starts anew.
const cachedKinds = 1024

// kindReader gives the kinds of events that are read.
type kindReader struct {
	find  *sqlite3.Stmt
	known map[int64]kind
	sum   summer
}

func (k *kindReader) get(id int64) (kind, error) {
	if known, ok := k.known[id]; ok {
		return known, nil
	}
	if err := k.find.BindInt64(1, id); err != nil {
		return kind{}, err
	}
	var found kind
	var err error
	if k.find.Step() {
		found = kind{k.find.ColumnText(0), k.find.ColumnText(1), k.find.ColumnText(2), k.find.ColumnText(3)}
		if k.find.ColumnInt64(4) != int64(k.sum.kind(id, &found)) && k.find.Err() == nil {
			err = corrupt("table kinds, %d: wrong checksum", id)
		}
	} else if k.find.Err() == nil {
		err = corrupt("table kinds: %d is missing", id)
	}
	if err = endQuery(k.find, err); err != nil {
		return kind{}, err
	}
	if k.known == nil || len(k.known) >= cachedKinds {
		k.known = make(map[int64]kind)
	}
	k.known[id] = found
	return found, nil
}

// kindWriter gives the numbers of kinds of events that are written, and gives a new kind one.
type kindWriter struct {
	find   *sqlite3.Stmt
	insert *binder
	known  map[kind]int64
	next   int64 // number of the next new kind
	last   kind  // and its number, which most events have again
	lastID int64
}

func (k *kindWriter) number(m *engine.Message) (int64, error) {
	wanted := kindOf(m)
	if wanted == k.last && k.lastID != 0 {
		return k.lastID, nil
	}
	id, ok := k.known[wanted]
	if !ok {
		var err error
		if id, err = k.store(wanted); err != nil {
			return 0, err
		}
		if k.known == nil || len(k.known) >= cachedKinds {
			k.known = make(map[kind]int64)
		}
		k.known[wanted] = id
	}
	k.last, k.lastID = wanted, id
	return id, nil
}

// store finds the kind in the table, or adds it.
func (k *kindWriter) store(wanted kind) (id int64, err error) {
	q := k.find
	for i, text := range []string{wanted.typ, wanted.source, wanted.contentType, wanted.schema} {
		err = errors.Join(err, q.BindText(i+1, text))
	}
	if err != nil {
		return 0, err
	}
	found := q.Step()
	if found {
		id = q.ColumnInt64(0)
	}
	if err = endQuery(q, nil); err != nil || found {
		return id, err
	}
	b := k.insert
	b.number(1, k.next)
	b.text(2, wanted.typ)
	b.text(3, wanted.source)
	b.text(4, wanted.contentType)
	b.text(5, wanted.schema)
	b.number(6, int64(b.sum.kind(k.next, &wanted)))
	k.next++
	return k.next - 1, b.exec()
}

// forget drops what a transaction that never came to be may have added.
func (k *kindWriter) forget() { k.known, k.last, k.lastID = nil, kind{}, 0 }
