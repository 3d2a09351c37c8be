package sqlite

import (
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"
)

// What makes a file ours: SQLite's header holds both numbers, and file(1) shows them.
const (
	applicationID = 0x4f726378 // "Orcx"
	formatVersion = 3
)

// schema is the format. The view is for people and is used by nothing here.
const schema = `
CREATE TABLE kinds (
	id           INTEGER PRIMARY KEY,
	type         TEXT NOT NULL,
	source       TEXT NOT NULL,
	content_type TEXT NOT NULL,
	schema       TEXT NOT NULL,
	checksum     INTEGER NOT NULL,
	UNIQUE (type, source, content_type, schema)
);
CREATE TABLE segments (
	last     INTEGER PRIMARY KEY,
	first    INTEGER NOT NULL,
	time     INTEGER NOT NULL,
	events   TEXT    NOT NULL,
	data     BLOB    NOT NULL
);
CREATE TABLE marks (
	aggregate TEXT    NOT NULL,
	version   INTEGER NOT NULL,
	position  INTEGER NOT NULL,
	PRIMARY KEY (aggregate, version)
) WITHOUT ROWID;
CREATE TABLE outcomes (
	id        BLOB PRIMARY KEY,
	aggregate TEXT    NOT NULL,
	version   INTEGER NOT NULL,
	rejection TEXT,
	digest    INTEGER NOT NULL,
	checksum  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE streams (
	name     TEXT PRIMARY KEY,
	version  INTEGER NOT NULL,
	position INTEGER NOT NULL,
	checksum INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE commands (
	last     BLOB PRIMARY KEY,
	entries  BLOB    NOT NULL,
	checksum INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE snapshots (
	aggregate TEXT    NOT NULL,
	version   INTEGER NOT NULL,
	schema    TEXT    NOT NULL,
	data      BLOB    NOT NULL,
	checksum  INTEGER NOT NULL,
	PRIMARY KEY (aggregate, version)
);
CREATE TABLE progress (position INTEGER NOT NULL);
INSERT INTO progress VALUES (0);
CREATE VIEW log AS WITH
	parts AS (SELECT
		last AS segment, first + key AS position, value AS part, time, data, 5 + json_extract(value, '$[6]') AS begins,
		iif(json_type(value, '$[8]') = 'text', json_extract(value, '$[8]'), NULL) AS correlation,
		iif(json_type(value, '$[8]') = 'object', json_extract(value, '$[8]'), json_extract(value, '$[9]')) AS more
	FROM segments, json_each(events)),
	named AS (SELECT
		segment, position, json_extract(part, '$[0]') AS aggregate, json_extract(part, '$[1]') AS version,
		json_extract(part, '$[2]') AS kind, json_extract(part, '$[3]') AS at, time,
		lower(hex(substr(data, begins, 16))) AS id, lower(hex(substr(data, begins + 16, 16))) AS cause, correlation, more,
		substr(data, begins + 40, json_extract(part, '$[7]')) AS payload
	FROM parts)
SELECT
	position, aggregate, version, type, named.id, source,
	iif(typeof(at) = 'integer', strftime('%Y-%m-%dT%H:%M:%SZ', (time + at) / 1000000000, 'unixepoch'), at) AS time,
	nullif(cause, '00000000000000000000000000000000') AS command,
	nullif(ifnull(correlation, cause), '00000000000000000000000000000000') AS correlation,
	json_extract(more, '$.metadata') AS metadata,
	CASE WHEN json_extract(more, '$.no_data') THEN NULL
		WHEN content_type = '' OR content_type LIKE '%json' THEN CAST(payload AS TEXT) ELSE hex(payload) END AS data,
	segment
FROM named LEFT JOIN kinds ON kinds.id = kind;
`

// checkFormat makes sure that the file holds this package's format or is empty. It changes nothing.
func checkFormat(c *connection) (empty bool, err error) {
	app, err := c.number("PRAGMA application_id")
	if err != nil {
		return false, err
	}
	version, err := c.number("PRAGMA user_version")
	if err != nil {
		return false, err
	}
	tables, err := c.number("SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return false, err
	}
	switch {
	case app == applicationID && version == formatVersion:
		return false, nil
	case app == applicationID && version > formatVersion:
		return false, fmt.Errorf("the file has format %d, this program knows up to %d: use a newer program",
			version, formatVersion)
	case app == applicationID && version > 0:
		return false, fmt.Errorf("the file has format %d, this program reads and writes %d only", version, formatVersion)
	case app != 0 || version != 0 || tables != 0:
		return false, fmt.Errorf("the file belongs to another application (application_id %#x, user_version %d)",
			app, version)
	}
	return true, nil
}

// create makes the tables in one transaction: a crash leaves an empty file or a whole one.
func create(c *connection) error {
	return c.conn.Exec(fmt.Sprintf("BEGIN IMMEDIATE; %s PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT",
		schema+letterSchema, applicationID, formatVersion))
}

// connection is a SQLite connection with the statements that were prepared on it. One goroutine uses it at a time.
type connection struct {
	conn  *sqlite3.Conn
	stmts []*sqlite3.Stmt
}

// prepare compiles a statement that lives as long as the connection.
func (c *connection) prepare(sql string) (*sqlite3.Stmt, error) {
	stmt, _, err := c.conn.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT)
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", sql, err)
	}
	c.stmts = append(c.stmts, stmt)
	return stmt, nil
}

// endQuery resets a query, and gives the error before it, or the one that ended it. An interruption is one of them: SQLite
// knows nothing of a step that the driver did not begin, and Reset alone would take it for the end of the rows.
func endQuery(query *sqlite3.Stmt, before error) error {
	ended := query.Err()
	reset := query.Reset()
	switch {
	case before != nil:
		return before
	case ended != nil:
		return ended
	}
	return reset
}

// number runs a query that gives one number. No row is an error.
func (c *connection) number(sql string) (int64, error) {
	stmt, _, err := c.conn.Prepare(sql)
	if err != nil {
		return 0, err
	}
	found := stmt.Step()
	var n int64
	if found {
		n = stmt.ColumnInt64(0)
	}
	err = errors.Join(stmt.Err(), stmt.Close())
	if err == nil && !found {
		err = corrupt("%s gives no row", sql)
	}
	return n, err
}

// close ends the statements and the connection.
func (c *connection) close() error {
	var errs []error
	for _, stmt := range c.stmts {
		_ = stmt.Close() // repeats the error of the statement's last run, which was reported then
	}
	c.stmts = nil
	errs = append(errs, c.conn.Close())
	return errors.Join(errs...)
}
