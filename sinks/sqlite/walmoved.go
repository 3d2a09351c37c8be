package sqlite

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

// moved tells whether the database has everything that a log with a damaged header holds.
//
// When all frames were moved into the database SQLite starts the log anew: it overwrites the header in place, and the
// frames that are done with stand behind it until new ones replace them. A write that is cut short leaves a header of
// which one part is older than the other. Nothing is lost then, and passing over those frames is right.
func (s *walScan) moved(count int64) (moved bool, err error) {
	frames, size, err := s.newest(count)
	if err != nil {
		return false, err
	}
	file, err := s.disk.open(s.base)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	// The end of a page is left out: its checksum is computed when it is written into the database, not into the log.
	inFile, inLog := make([]byte, pageSize-pageReserve), make([]byte, pageSize-pageReserve)
	for page, frame := range frames {
		if page > size { // the last transaction cut it off
			continue
		}
		if _, err := s.file.ReadAt(inLog, walHeaderBytes+frame*walFrameBytes+walFrameHeader); err != nil {
			return false, err
		}
		_, err := file.ReadAt(inFile, (int64(page)-1)*pageSize)
		switch {
		case errors.Is(err, io.EOF): // the database is shorter
			return false, nil
		case err != nil:
			return false, err
		case !bytes.Equal(inFile, inLog):
			return false, nil
		}
	}
	return true, nil
}

// newest gives the frame with the last committed content of each page, and how many pages the database has after the
// last commit. The header is damaged, so the first frame cannot be checked: what it holds is compared all the same.
//
// A frame in the middle that is damaged too is passed over, and what follows it is looked at: it may be the only copy.
func (s *walScan) newest(count int64) (frames map[uint32]int64, size uint32, err error) {
	frames = map[uint32]int64{}
	open := map[uint32]int64{} // the pages of a transaction whose end was not seen yet
	var before walState
	for number := range count {
		_, facts, err := s.read(number, before)
		if err != nil {
			return nil, 0, err
		}
		if !facts.salted { // of a log before this one
			break
		}
		before = facts.kept
		if number > 0 && !facts.whole {
			continue
		}
		if page := binary.BigEndian.Uint32(s.frame[:]); page > 0 { // there is no page 0
			open[page] = number
		}
		if !facts.commit {
			continue
		}
		size = binary.BigEndian.Uint32(s.frame[4:])
		for page, number := range open {
			frames[page] = number
		}
		clear(open)
	}
	return frames, size, nil
}
