package memory

import (
	"bytes"
	"context"
	"slices"

	"github.com/orchestrix-go/orchestrix/engine"
)

// keptSnapshots is how many snapshots of one aggregate are kept, those with the highest versions. One would do for
// loading; the others are for a reader that folds up to an earlier version.
const keptSnapshots = 4

// SaveSnapshot keeps a snapshot, in place of one of the same aggregate and version, and forgets the oldest of the
// aggregate when there are more than four. The data is copied. See [engine.Snapshotter].
func (s *Store) SaveSnapshot(ctx context.Context, snapshot engine.Snapshot) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	checked := engine.CheckSnapshot(&snapshot)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return engine.ErrClosed
	case checked != nil:
		return checked
	}
	target := s.streams.find(snapshot.Aggregate, s.streams.hash(snapshot.Aggregate))
	if version := target.version(); snapshot.Version > version {
		return &engine.ConflictError{
			Aggregate: snapshot.Aggregate, Expected: engine.Exactly(snapshot.Version), Actual: version,
		}
	}
	snapshot.Aggregate = target.name
	snapshot.Data = bytes.Clone(snapshot.Data)
	kept := s.snapshots[snapshot.Aggregate]
	at, found := slices.BinarySearchFunc(kept, snapshot.Version, compareVersion)
	if found {
		kept[at] = snapshot
		return nil
	}
	kept = slices.Insert(kept, at, snapshot)
	if len(kept) > keptSnapshots {
		kept = slices.Delete(kept, 0, 1)
	}
	s.snapshots[snapshot.Aggregate] = kept
	return nil
}

// LoadSnapshot gives the snapshot of the aggregate with the highest version up to atMost, and false when there is none.
// The data is a copy.
func (s *Store) LoadSnapshot(ctx context.Context, aggregate string, atMost engine.Version) (engine.Snapshot, bool, error) {
	if err := ctx.Err(); err != nil {
		return engine.Snapshot{}, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return engine.Snapshot{}, false, engine.ErrClosed
	}
	kept := s.snapshots[aggregate]
	at, found := slices.BinarySearchFunc(kept, atMost, compareVersion)
	if found {
		at++
	}
	if at == 0 {
		return engine.Snapshot{}, false, nil
	}
	snapshot := kept[at-1]
	snapshot.Data = bytes.Clone(snapshot.Data)
	return snapshot, true, nil
}

func compareVersion(s engine.Snapshot, version engine.Version) int {
	switch {
	case s.Version < version:
		return -1
	case s.Version > version:
		return 1
	}
	return 0
}
