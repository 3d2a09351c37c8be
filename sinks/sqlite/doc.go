// Package sqlite is the store for one machine: events rest in a single SQLite file that stock tools open. It needs no
// cgo and no server.
//
// In: [engine.Append] batches. Out: one durable [engine.Result] for each append, and the stored events again. The
// payload is JSON text or bytes, made by the [engine.Codec] of the options. Backups, vacuuming and moving files are left
// to stock tools; what the rules of a store are is said in [engine.Store] and proved by sinks/storetest.
//
// # Promises
//
// G1: an append is acknowledged after SQLite has synced its write-ahead log (journal_mode=WAL, synchronous=FULL). There
// is no relaxed mode. G2: the events of one append are inserted by one transaction. G4: one goroutine decides every
// append, and a lock file keeps every other writer out. G6: the command id is stored in the same transaction as its
// events. G11: a gap, a foreign row or a page that SQLite cannot read is reported as [engine.ErrCorrupt].
//
// A commit that fails is answered by [engine.ErrUnknown], and the store is shut for writing from then on
// ([ErrPoisoned]): after a failed sync nobody knows what the disk holds. Closing and opening again finds out, from what
// is on the disk.
//
// # Group commit
//
// Appends that wait while a transaction is being synced go into the next one together, at most 4096 appends or 8 MiB. An
// idle store waits for nobody: one append alone is one transaction at once.
//
// # The file
//
// Five tables, and the view log for people:
//
//	events    the log; position is its key, data the payload (TEXT when it is JSON, BLOB otherwise)
//	commands  the first result of each command id
//	streams   the aggregates, with a number for each
//	versions  which position holds version v of an aggregate: the index with which streams are loaded
//	progress  one row: how far streams and versions have been filled
//
// Time is in nanoseconds since 1970, UTC. Ids are 16 byte blobs; hex(id) shows them.
//
//	sqlite3 orders.db "select * from log order by position desc limit 10"
//
// Streams and versions are filled late, by many events at once, in sequence. An index by aggregate that is kept within
// each commit writes one page for nearly each event, and makes commits several times slower. What is not yet filled
// in is known in memory (the tail), is bounded, is in events all the same, and is read again from there when the file is
// opened. Close fills in the rest.
//
// Beside the file stand file-wal and file-shm while it is open, and file.lock. The lock file stays behind: removing it
// could let two writers in. All are readable by their owner only.
package sqlite
