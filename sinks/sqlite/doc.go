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
// each page of the file (64 bits, as SQLite's extension cksumvfs defines it), each event and each row of kinds, outcomes,
// streams, commands and snapshots (CRC-32C over all of its values), each frame of the write-ahead log. The page's catches what
// would lead a search astray, so that an index cannot say that something is not there; the row's catches what passed
// through memory or was changed with a tool. Whatever leads to an event is compared with it whenever it is used.
//
// SQLite reads a log up to the first damaged frame, without a word. Opening therefore scans the log first, and refuses
// one in which a whole transaction stands behind a damaged one: that no power cut can do. (A damaged header alone is
// passed over when the database has all that the log holds: a write cut short leaves one.) What it cannot tell from a
// power cut is damage within the last transaction of a log (or in the last but one, when it hides where that ends); that
// transaction is then gone, whole. A log with something in it is left behind only by a process that did not close the
// store. Bytes of the log that change while the store is open are found by the checksums of the rows, or by the next
// opening.
//
// # Group commit
//
// Appends that wait while a transaction is being synced go into the next one together, at most 4096 appends or 8 MiB. An
// idle store waits for nobody: one append alone is one transaction at once.
//
// A commit writes behind the end of one table and, as a rule, nowhere else: an index by aggregate or by command id would
// have one page written for nearly each event. Each event leads to the one before it of its stream instead, and holds the
// id of the command that it ends. Where streams end, and which command ids there are, is filled into tables of their own
// late, by thousands of events at once, sorted, in the same transaction as one of the commits. What is not yet filled in
// is known in memory (the tail), and is read again from the events when the file is opened. At most 16384 events and those
// of one transaction are in the tail: some MiB. Close fills in the rest.
//
// To SQLite a row costs more than the bytes in it. The events of a commit therefore share rows, as many as fit a page. When
// a row is refused, the transaction is done again with a row for each append.
//
// # Reading
//
// The log is read page by page by two readers ahead of the caller. A stream is read back from its marks, event by event:
// those of an aggregate may lie far apart. Events of streams of at most some thousand stay in memory for the next load,
// some ten MiB at most, because SQLite forgets the pages that it has read with each commit of another connection.
//
// # Dead letters
//
// A dead letter is kept, and removed again, by the transaction of the appends that it comes with. The row has the command
// as a CloudEvents object, or what could not be read as it is, and whatever is known of why. Its checksum is in two halves:
// the one of what the index needs, which is read into memory when the file is opened (about 150 bytes a letter and the
// name of its aggregate), the other of the rest. Whether an aggregate is parked is answered from there. A store that was
// opened read only asks the file instead.
//
// # The file
//
// Nine tables, and the views log and dead_letters for people:
//
//	segments  the log, in rows of up to about 4 KiB; the position of the last event in it is the key of a row
//	kinds     what events share: type, source, content type and version of the schema
//	marks     where every 256th version of an aggregate is: streams are loaded from mark to mark, back from each of them
//	outcomes  the first result of each command that left no event
//	streams   where each aggregate's stream ends
//	commands  blocks of command ids, sorted, each with the position of its last event
//	snapshots the newest four of each aggregate
//	progress  one row: how far streams and commands have been filled
//	letters   dead letters; number is the key, command is TEXT when it can be read and BLOB otherwise
//
// A segment has two columns for its events. The one is JSON, an array of arrays, one a line: aggregate, version, number of
// the kind, nanoseconds since the column time, position of the version before, number of events of the command that ends
// here, where the event begins in the other column, how long its payload is. Then, if it is not the cause, the id of the
// correlation; then, if there is anything in it, an object: trace_parent, metadata, the id of the command that ends here if
// that is not the cause, no_data for an event without a payload. A time that is none is null, one that 64 bits do not hold
// is text. The other column is bytes, for each event: the checksum (4), its id (16), that of its cause (16), the digest of
// the command that ends here (8), the payload as it is; numbers have their most significant byte first.
//
// The column time is in nanoseconds since 1970, UTC. The view shows ids as hexadecimal digits, and payloads of the content
// type JSON as text.
//
//	sqlite3 orders.db "select * from log where segment > (select max(last) - 100 from segments)"
//
// The column segment of the view is the key of the row, by which SQLite finds it; to look for anything else it reads all.
//
// Stock tools may read the file at any time. What they write has no checksums, unless they load cksumvfs: a file that
// they have changed or vacuumed, or copied while it was in use, is reported as damaged. A file of format 1 or 2,
// which had other tables, is refused.
//
// The write-ahead log is used again from its beginning when it holds somewhat more than 16 MiB: a sync that need not make a
// file longer is faster. Another connection moves it into the database beside the writer, and syncs that; the writer only
// moves the little that it has added meanwhile. What a commit writes into the log is handed to the operating system in pieces
// of up to 256 KiB, the last one just before the sync. On Linux the disk is told to begin early: with a commit of 64 KiB or more
// before the writer waits for its sync, so that other goroutines run meanwhile, and with what is moved into the database after
// each MiB. Neither makes anything durable: the sync does.
//
// Beside the file stand file-wal and file-shm while it is open, and file.lock. A reader that closes leaves the first two,
// the log empty; the file alone is the whole store then, and the next writer removes them. The lock file stays behind: removing it
// could let two writers in. All are readable by their owner only. A file with a second name (a hard link) is not opened
// for writing, because its lock stands beside one name only. Reading needs the right to write to the folder too, for
// readers and the writer agree through file-shm.
package sqlite
