package sqlite

import (
	"bytes"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/ncruces/go-sqlite3"

	"github.com/orchestrix-go/orchestrix/engine"
)

// binder binds values to a statement that runs again and again. SQLite keeps what is bound from one run to the next, so
// what is bound already is not bound again: most events share much with the one before. The first error is kept and stops
// the rest.
type binder struct {
	stmt *sqlite3.Stmt
	base int // the number of the parameter before those of the row that is being bound
	kept []kept
	sum  summer // of the row that is being bound
	err  error

	envelope []byte // of the event that is being bound
}

// kept is what a parameter was last bound to, when that can be compared cheaply.
type kept struct {
	kind   keptKind
	number int64
	text   string
}

type keptKind uint8

const (
	other keptKind = iota
	null
	number
	text
)

func newBinder(stmt *sqlite3.Stmt) *binder {
	return &binder{stmt: stmt, kept: make([]kept, stmt.BindCount()+1)}
}

// exec runs the statement with what is bound, or gives the error of binding it.
func (b *binder) exec() error {
	if b.err != nil {
		err := b.err
		b.err = nil
		clear(b.kept) // what a failed call left bound is not known
		return err
	}
	return b.stmt.Exec()
}

// number binds an integer.
func (b *binder) number(param int, n int64) {
	param += b.base
	if k := &b.kept[param]; b.err == nil && (k.kind != number || k.number != n) {
		*k = kept{kind: number, number: n}
		b.err = b.stmt.BindInt64(param, n)
	}
}

// null binds NULL.
func (b *binder) null(param int) {
	param += b.base
	if b.err == nil && b.kept[param].kind != null {
		b.kept[param] = kept{kind: null}
		b.err = b.stmt.BindNull(param)
	}
}

// text binds a string, with whatever bytes it holds.
func (b *binder) text(param int, s string) {
	param += b.base
	if k := &b.kept[param]; b.err == nil && (k.kind != text || k.text != s) {
		*k = kept{kind: text, text: s}
		b.err = b.stmt.BindText(param, s)
	}
}

// optional binds a string that is stored as NULL when it is empty.
func (b *binder) optional(param int, s string) {
	if s == "" {
		b.null(param)
		return
	}
	b.text(param, s)
}

// bytes binds a blob; an empty one is not NULL.
func (b *binder) bytes(param int, data []byte) {
	param += b.base
	if b.err == nil {
		b.kept[param].kind = other
		b.err = b.stmt.BindBlob(param, data)
	}
}

// time binds nanoseconds since 1970. The zero time is NULL, and a time that does not fit is RFC 3339 text.
func (b *binder) time(param int, t time.Time) {
	switch {
	case t.IsZero():
		b.null(param)
	case fitsNanoseconds(t):
		b.number(param, t.UnixNano())
	default:
		b.text(param, t.UTC().Format(time.RFC3339Nano))
	}
}

// fitsNanoseconds tells whether a time is within the years that 64 bits of nanoseconds hold, 1678 to 2262.
func fitsNanoseconds(t time.Time) bool {
	const second = int64(time.Second)
	seconds := t.Unix()
	return seconds > math.MinInt64/second && seconds < math.MaxInt64/second
}

// metadata gives the text of a JSON object, and none when there is no metadata.
func (b *binder) metadata(m map[string]string) string {
	if len(m) == 0 {
		return ""
	}
	encoded, err := json.Marshal(m, json.Deterministic(true))
	if err != nil && b.err == nil {
		b.err = err
	}
	return string(encoded)
}

// payload binds the data of a message: NULL when there is none, TEXT when stock tools can show it, and BLOB otherwise.
// Either way the bytes read back are the bytes written.
func (b *binder) payload(param int, m *engine.Message) {
	raw, ok := m.Data.(engine.Raw)
	switch {
	case !ok:
		b.null(param)
	case !isJSON(m.ContentType) || len(raw) == 0 || !utf8.Valid(raw) || bytes.IndexByte(raw, 0) >= 0:
		if raw == nil {
			raw = engine.Raw{}
		}
		b.bytes(param, raw)
	case b.err == nil:
		b.kept[b.base+param].kind = other
		b.err = b.stmt.BindRawText(b.base+param, raw)
	}
}

// isJSON tells whether a content type means JSON; an empty one does.
func isJSON(contentType string) bool {
	return contentType == "" || contentType == "application/json" || strings.HasSuffix(contentType, "+json")
}
