package engine

import "context"

// A Snapshot is the folded state of an aggregate at a version, encoded. It saves reading a long stream from the
// beginning and is never the truth: losing every snapshot loses nothing.
type Snapshot struct {
	Aggregate string
	Version   Version // the last event that is folded in; 1 or more
	Schema    string  // of the state, so that another program version can pass over it
	Data      Raw     // at most MaxAppendBytes
}

// A Snapshotter is a Store that also keeps snapshots.
type Snapshotter interface {
	// SaveSnapshot keeps a snapshot, in place of one of the same aggregate and version. A version that the aggregate does
	// not have is a *ConflictError; what is out of bounds a *LimitError. A store may forget older snapshots of the
	// aggregate. It need not be durable when the call returns.
	SaveSnapshot(ctx context.Context, snapshot Snapshot) error
	// LoadSnapshot gives the snapshot of the aggregate with the highest version up to atMost, and false when there is none.
	LoadSnapshot(ctx context.Context, aggregate string, atMost Version) (Snapshot, bool, error)
}

// CheckSnapshot returns the error with which every store refuses a snapshot that is out of bounds, whatever it has.
func CheckSnapshot(s *Snapshot) error {
	if err := CheckName("aggregate id", s.Aggregate); err != nil {
		return err
	}
	if s.Schema != "" {
		if err := CheckName("schema", s.Schema); err != nil {
			return err
		}
	}
	switch {
	case s.Version == 0:
		return &LimitError{What: "snapshot", Why: "is of version 0, which has nothing to keep"}
	case len(s.Data) > MaxAppendBytes:
		return &LimitError{What: "snapshot", Why: tooMany(len(s.Data), MaxAppendBytes, "bytes")}
	}
	return nil
}
