// Package sqlite is the store for one machine: events rest in a single SQLite file that stock tools open. It needs no
// cgo and no server.
//
// In: [engine.Append] batches. Out: one durable [engine.Result] for each append, and the stored events again. The
// payload is JSON text or bytes, made by the [engine.Codec] of the options. What the rules of a store are is said in
// [engine.Store] and proved by sinks/storetest. [Backup] copies a store in use, [Verify] checks a whole one.
//
// # Promises
//
// G1: an append is acknowledged after SQLite has synced its write-ahead log (journal_mode=WAL, synchronous=FULL). There
// is no relaxed mode. G2: the events of one append are inserted by one transaction. G4: one goroutine decides every
// append, and a lock file keeps every other writer out. G6: the command id is stored in the same transaction as its
// events. G11 is below.
//
// A commit that fails is answered by [engine.ErrUnknown], and the store is shut for writing from then on
// ([ErrPoisoned]): after a failed sync nobody knows what the disk holds. Closing and opening again finds out, from what
// is on the disk.
//
// What a process that was killed left in the log is moved into the file, and synced, before any of it is served: it may
// be whole and yet not on the disk.
//
// # Damage
//
// Everything has a checksum that reading looks at, and what is wrong is reported as [engine.ErrCorrupt] with its place:
// each page of the file (64 bits, as SQLite's extension cksumvfs defines it), each row of events, commands and snapshots
// (CRC-32C over all of its values), each frame of the write-ahead log. The page's catches what would lead a search
// astray, so that an index cannot say that something is not there; the row's catches what passed through memory or was
// changed with a tool. Indices and commands are compared with the events they lead to whenever they are used.
//
// SQLite reads a log up to the first damaged frame, without a word. Opening therefore scans the log first, and refuses
// one in which a whole transaction stands behind a damaged one: that no power cut can do. (A damaged header alone is
// passed over when the database has all that the log holds: a write cut short leaves one.) What it cannot tell from a
// power cut is damage within the last transaction of a log (or in the last but one, when it hides where that ends); that
// transaction is then gone, whole. A log with something in it is left behind only by
// a process that did not close the store. Bytes of the log that change
// while the store is open are found by the checksums of the rows, or by the next opening.
//
// # Group commit
//
// Appends that wait while a transaction is being synced go into the next one together, at most 4096 appends or 8 MiB. An
// idle store waits for nobody: one append alone is one transaction at once.
//
// # The file
//
// Six tables, and the view log for people:
//
//	events    the log; position is its key, data the payload (TEXT when it is JSON, BLOB otherwise)
//	commands  the first result of each command id
//	streams   the aggregates, with a number for each
//	versions  which position holds version v of an aggregate: the index with which streams are loaded
//	snapshots the newest four of each aggregate
//	progress  one row: how far streams and versions have been filled
//
// Time is in nanoseconds since 1970, UTC. Ids are 16 byte blobs; hex(id) shows them.
//
//	sqlite3 orders.db "select * from log order by position desc limit 10"
//
// Stock tools may read the file at any time. What they write has no checksums, unless they load cksumvfs: a file that
// they have changed or vacuumed, or copied while it was in use, is reported as damaged.
//
// Streams and versions are filled late, by many events at once, in sequence. An index by aggregate that is kept within
// each commit writes one page for nearly each event, and makes commits several times slower. What is not yet filled
// in is known in memory (the tail), is bounded, is in events all the same, and is read again from there when the file is
// opened. Close fills in the rest.
//
// Beside the file stand file-wal and file-shm while it is open, and file.lock. A reader that closes leaves the first two,
// the log empty; the file alone is the whole store then, and the next writer removes them. The lock file stays behind: removing it
// could let two writers in. All are readable by their owner only. A file with a second name (a hard link) is not opened
// for writing, because its lock stands beside one name only. Reading needs the right to write to the folder too, for
// readers and the writer agree through file-shm.
package sqlite
