package sqlite

import "github.com/ncruces/go-sqlite3"

// binder binds values to a statement that runs again and again. The first error is kept and stops the rest.
type binder struct {
	stmt *sqlite3.Stmt
	sum  summer // of the row that is being bound
	err  error
}

// exec runs the statement with what is bound, or gives the error of binding it.
func (b *binder) exec() error {
	if err := b.err; err != nil {
		b.err = nil
		return err
	}
	return b.stmt.Exec()
}

// number binds an integer.
func (b *binder) number(param int, n int64) {
	if b.err == nil {
		b.err = b.stmt.BindInt64(param, n)
	}
}

// text binds a string.
func (b *binder) text(param int, s string) {
	if b.err == nil {
		b.err = b.stmt.BindText(param, s)
	}
}

// optional binds a string that is stored as NULL when it is empty.
func (b *binder) optional(param int, s string) {
	if s != "" {
		b.text(param, s)
	} else if b.err == nil {
		b.err = b.stmt.BindNull(param)
	}
}

// bytes binds a blob; an empty one is not NULL.
func (b *binder) bytes(param int, data []byte) {
	if b.err == nil {
		b.err = b.stmt.BindBlob(param, data)
	}
}

// json binds text that is JSON.
func (b *binder) json(param int, data []byte) {
	if b.err == nil {
		b.err = b.stmt.BindRawText(param, data)
	}
}
