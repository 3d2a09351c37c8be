package sqlite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/orchestrix-go/orchestrix/engine"
)

// Sizes in the write-ahead log. Its format is section 4 of sqlite.org/fileformat2.html.
const (
	walHeaderBytes = 32
	walFrameHeader = 24
	walFrameBytes  = walFrameHeader + pageSize
	sectorBytes    = 512 // the least that a disk writes as a whole
)

// A walScan looks for damage that SQLite would take for the end of the log.
//
// SQLite reads the log up to the first frame whose checksum is wrong, and passes over what stands behind it without a
// word: that is right after a power cut, for what was not synced may be lost, and wrong when the disk damaged a frame
// that was synced, for every acknowledged commit from there on would be gone. The two can be told apart, because a
// transaction is synced before the next one is written: a damaged frame with a whole transaction behind its own was
// synced once, so no power cut explains it.
//
// What cannot be told apart: damage within the last transaction of the log, which looks like a power cut before the sync.
// The same is true of the last but one, when the damage hides where it ends: in the commit mark or the salt of its last
// frame, and in few places at all.
//
// The checksums are cumulative, and each frame keeps the state behind it. So frames behind a damaged one can still be
// checked, each with the state that the one before it keeps.
type walScan struct {
	path  string
	disk  disk
	base  string // the path of the database
	file  io.ReaderAt
	bytes binary.ByteOrder // of the words that are summed
	salt  [8]byte
	frame [walFrameBytes]byte
}

// walState is the cumulative checksum.
type walState [2]uint32

// logScans is how often a log is scanned for damage that is seen twice in a row.
const logScans = 10

// checkLog makes sure that the log beside a database is whole, as far as can be known, and tells whether there is
// anything in it. While the log is being written a frame may be seen half there: what is damaged must be so when it is
// looked at again.
func checkLog(d disk, database string) (found bool, err error) {
	var before error
	for range logScans {
		found, err = scanLog(d, database)
		if !errors.Is(err, engine.ErrCorrupt) || before != nil && before.Error() == err.Error() {
			return found, err
		}
		before = err
	}
	return found, nil
}

func scanLog(d disk, database string) (found bool, err error) {
	file, err := d.open(database + logSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	s := walScan{path: database + logSuffix, disk: d, base: database, file: file}
	count := (file.size - walHeaderBytes) / walFrameBytes
	if count > 0 { // a log without a frame holds nothing, whatever its header says
		err = s.check(count)
	}
	if errors.Is(err, io.EOF) { // cut by its writer, who has moved it into the database
		err = nil
	}
	return file.size > 0, errors.Join(err, file.Close())
}

// check reads all frames of the log.
func (s *walScan) check(count int64) error {
	state, whole, err := s.header(count)
	if err != nil {
		return err
	}
	first := int64(0)
	for whole && first < count {
		after, kept, err := s.read(first, state)
		if err != nil {
			return err
		}
		if !kept.whole || !kept.salted {
			break
		}
		state, first = after, first+1
	}
	if first == count {
		return nil
	}
	committed, err := s.committedBehind(first, count, state)
	switch {
	case err != nil || !committed:
		return err
	case !whole:
		if moved, err := s.moved(count); err != nil || moved {
			return err
		}
		return corrupt("%s: the header is damaged, and whole transactions stand behind it", s.path)
	}
	return corrupt("%s: frame %d (byte %d) is damaged, and a whole transaction stands behind its own",
		s.path, first+1, walHeaderBytes+first*walFrameBytes)
}

// header reads the header, and tells whether it is whole. When it is not, what follows from it is guessed: the salt from
// the first frame, the state from the header's content, the byte order from the frames.
func (s *walScan) header(count int64) (state walState, whole bool, err error) {
	head := make([]byte, walHeaderBytes)
	if _, err := s.file.ReadAt(head, 0); err != nil {
		return state, false, err
	}
	s.bytes = binary.LittleEndian
	if binary.BigEndian.Uint32(head) == 0x377f0683 {
		s.bytes = binary.BigEndian
	}
	state = s.sum(walState{}, head[:24])
	kept := walState{binary.BigEndian.Uint32(head[24:]), binary.BigEndian.Uint32(head[28:])}
	whole = state == kept && binary.BigEndian.Uint32(head)|1 == 0x377f0683 &&
		binary.BigEndian.Uint32(head[4:]) == 3007000 && binary.BigEndian.Uint32(head[8:]) == pageSize
	copy(s.salt[:], head[16:24])
	if whole {
		return state, true, nil
	}
	if _, err := s.file.ReadAt(s.salt[:], walHeaderBytes+8); err != nil {
		return state, false, err
	}
	return state, false, s.guessEndianness(count)
}

// guessEndianness finds the byte order of the words that are summed: the one in which a frame follows from the one before
// it. In the other one every frame looks damaged, and nothing is found behind the damage.
func (s *walScan) guessEndianness(count int64) error {
	var before walState
	for number := range count {
		var facts frameFacts
		for _, s.bytes = range []binary.ByteOrder{binary.BigEndian, binary.LittleEndian} {
			var err error
			if _, facts, err = s.read(number, before); err != nil {
				return err
			}
			if number > 0 && facts.whole && facts.salted {
				return nil
			}
		}
		before = facts.kept
	}
	return nil
}

// frameFacts is what one frame tells about itself.
type frameFacts struct {
	whole  bool     // its checksum follows from the state before it
	salted bool     // it has the salt of this log, not of an earlier one that the file was used for
	commit bool     // it ends a transaction
	kept   walState // the state that it keeps
	torn   bool     // its header lies in two sectors, of which one may be older: it proves nothing when it is not whole
}

// read reads a frame, counted from 0, and gives the state behind it as its content makes it.
func (s *walScan) read(number int64, before walState) (after walState, facts frameFacts, err error) {
	offset := walHeaderBytes + number*walFrameBytes
	if _, err := s.file.ReadAt(s.frame[:], offset); err != nil {
		return after, facts, fmt.Errorf("%s, frame %d: %w", s.path, number+1, err)
	}
	f := s.frame[:]
	after = s.sum(s.sum(before, f[:8]), f[walFrameHeader:])
	facts = frameFacts{
		kept:   walState{binary.BigEndian.Uint32(f[16:]), binary.BigEndian.Uint32(f[20:])},
		commit: binary.BigEndian.Uint32(f[4:]) != 0,
		salted: [8]byte(f[8:16]) == s.salt,
		torn:   offset%sectorBytes > sectorBytes-walFrameHeader,
	}
	facts.whole = facts.kept == after
	return after, facts, nil
}

// committedBehind tells whether a whole transaction stands behind the one of the first damaged frame. State is the one
// before that frame.
func (s *walScan) committedBehind(first, count int64, state walState) (bool, error) {
	after, facts, err := s.read(first, state)
	if err != nil {
		return false, err
	}
	if facts.whole && !facts.torn {
		// Only the salt is wrong. A frame of an earlier log cannot have the right checksum, for that sums up this one.
		return true, nil
	}
	ended := facts.salted && facts.commit && !facts.torn
	before := []walState{facts.kept, after} // damage to the kept state leaves the content whole
	for number := first + 1; number < count; number++ {
		whole := false
		for _, state := range before {
			if _, facts, err = s.read(number, state); err != nil {
				return false, err
			}
			if facts.whole && facts.salted {
				whole = true
				break
			}
		}
		if whole && facts.commit {
			if ended {
				return true, nil
			}
			ended = true
		}
		before = append(before[:0], facts.kept)
	}
	return false, nil
}

// sum is SQLite's checksum of a multiple of eight bytes.
func (s *walScan) sum(state walState, data []byte) walState {
	a, b := state[0], state[1]
	for ; len(data) >= 8; data = data[8:] {
		a += s.bytes.Uint32(data) + b
		b += s.bytes.Uint32(data[4:]) + a
	}
	return walState{a, b}
}
