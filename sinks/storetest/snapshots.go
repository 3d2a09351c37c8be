package storetest

import (
	"context"
	"errors"
	"strings"

	"github.com/orchestrix-go/orchestrix/engine"
)

// keeper is the store as one that keeps snapshots. A rule of snapshots has nothing to say about any other store.
func (p *probe) keeper() engine.Snapshotter {
	keeper, ok := p.store.(engine.Snapshotter)
	if !ok {
		p.t.Skip("the store is no engine.Snapshotter")
	}
	return keeper
}

// snapshot makes the snapshot of an aggregate at a version.
func snapshot(aggregate string, version engine.Version, data string) engine.Snapshot {
	return engine.Snapshot{Aggregate: aggregate, Version: version, Schema: "1", Data: engine.Raw(data)}
}

// found makes sure that a snapshot is the one that is found up to a version.
func (p *probe) found(want engine.Snapshot, atMost engine.Version) {
	p.t.Helper()
	got, ok, err := p.keeper().LoadSnapshot(p.ctx, want.Aggregate, atMost)
	p.NoError(err, "LoadSnapshot")
	p.True(ok, "there is no snapshot up to version %d, one of version %d was saved", atMost, want.Version)
	p.Equal(want, got, "the snapshot up to version %d is not the one that was saved", atMost)
}

// notFound makes sure that there is no snapshot up to a version.
func (p *probe) notFound(aggregate string, atMost engine.Version) {
	p.t.Helper()
	got, ok, err := p.keeper().LoadSnapshot(p.ctx, aggregate, atMost)
	p.NoError(err, "LoadSnapshot without a snapshot must be no error")
	p.False(ok, "there is a snapshot of %q that nobody saved", aggregate)
	p.Equal(engine.Snapshot{}, got, "what is not found must be empty")
}

func snapshotComesBack(p *probe) {
	keeper := p.keeper()
	p.stored(newAppend("a", engine.NoStream, 20))
	for i, data := range []string{"", "{}", " { \"b\" : 1 } ", "\x00\xff\xfe", strings.Repeat("x", 100_000)} {
		for j, schema := range []string{"", "2026-01", "ü"} {
			want := snapshot("a", engine.Version(3*i+j+1), data)
			want.Schema = schema
			p.NoError(keeper.SaveSnapshot(p.ctx, want))
			got, ok, err := keeper.LoadSnapshot(p.ctx, "a", want.Version)
			p.NoError(err)
			p.True(ok, "the snapshot that was just saved is not there")
			p.Equal(data, string(got.Data), "the bytes of a snapshot changed")
			got.Data, want.Data = nil, nil // nil and empty say the same
			p.Equal(want, got, "an attribute of a snapshot changed")
		}
	}
}

func snapshotLatest(p *probe) {
	keeper := p.keeper()
	p.notFound("a", 100)
	p.stored(newAppend("a", engine.NoStream, 30))
	p.stored(newAppend("b", engine.NoStream, 30))
	p.notFound("a", 30)
	for _, version := range []engine.Version{3, 10, 20} {
		p.NoError(keeper.SaveSnapshot(p.ctx, snapshot("a", version, "{}")))
		p.found(snapshot("a", version, "{}"), version)
		p.found(snapshot("a", version, "{}"), 30)
		p.found(snapshot("a", version, "{}"), 1<<63-1)
	}
	// Older ones may be forgotten. One that is given must be the highest of those that were saved and are not too high.
	for atMost, highest := range map[engine.Version]engine.Version{3: 3, 9: 3, 10: 10, 19: 10} {
		got, ok, err := keeper.LoadSnapshot(p.ctx, "a", atMost)
		p.NoError(err)
		if ok {
			p.Contains([]engine.Version{3, 10}, got.Version, "a snapshot that nobody saved")
			p.LessOrEqual(got.Version, highest, "a snapshot above version %d was given", atMost)
		}
	}
	p.notFound("a", 2)
	p.notFound("a", 0)
	p.notFound("b", 30)
}

func snapshotReplaced(p *probe) {
	keeper := p.keeper()
	p.stored(newAppend("a", engine.NoStream, 5))
	for _, data := range []string{"1", "2", ""} {
		s := snapshot("a", 4, data)
		s.Schema = "of " + data
		p.NoError(keeper.SaveSnapshot(p.ctx, s))
		got, ok, err := keeper.LoadSnapshot(p.ctx, "a", 5)
		p.NoError(err)
		p.True(ok)
		p.Equal(data, string(got.Data), "a snapshot was not replaced by one of the same version")
		p.Equal(s.Schema, got.Schema, "the schema of a snapshot was not replaced")
	}
}

func snapshotBeyond(p *probe) {
	keeper := p.keeper()
	p.stored(newAppend("a", engine.NoStream, 3))
	for _, at := range []struct {
		aggregate       string
		version, actual engine.Version
	}{{"a", 4, 3}, {"a", 1 << 40, 3}, {"nobody", 1, 0}} {
		err := keeper.SaveSnapshot(p.ctx, snapshot(at.aggregate, at.version, "{}"))
		p.ErrorIs(err, engine.ErrConflict, "a snapshot of version %d was kept, %q is at %d", at.version, at.aggregate, at.actual)
		var conflict *engine.ConflictError
		p.True(errors.As(err, &conflict), "a conflict must be a *ConflictError, it is %T", err)
		p.Equal(engine.ConflictError{
			Aggregate: at.aggregate, Expected: engine.Exactly(at.version), Actual: at.actual,
		}, *conflict)
		p.notFound(at.aggregate, 1<<63-1)
	}
	p.NoError(keeper.SaveSnapshot(p.ctx, snapshot("a", 3, "{}")))
	p.stored(newAppend("a", engine.Exactly(3), 1))
	p.NoError(keeper.SaveSnapshot(p.ctx, snapshot("a", 4, "{}")))
	p.found(snapshot("a", 4, "{}"), 4)
}

func snapshotLimits(p *probe) {
	keeper := p.keeper()
	p.stored(newAppend("a", engine.NoStream, 3))
	large := snapshot("a", 2, strings.Repeat("x", engine.MaxAppendBytes))
	p.NoError(keeper.SaveSnapshot(p.ctx, large))
	p.found(large, 3)
	tooLarge, badSchema := snapshot("a", 3, strings.Repeat("x", engine.MaxAppendBytes+1)), snapshot("a", 3, "{}")
	badSchema.Schema = "a\nb"
	for why, s := range map[string]engine.Snapshot{
		"too many bytes": tooLarge, "a bad schema": badSchema, "version 0": snapshot("a", 0, "{}"),
		"no aggregate": snapshot("", 1, "{}"), "a bad aggregate": snapshot("a\x00", 1, "{}"),
	} {
		p.ErrorIs(keeper.SaveSnapshot(p.ctx, s), engine.ErrLimit, "G10: a snapshot was kept that has %s", why)
	}
	p.found(large, 3)
}

func snapshotNoEvent(p *probe) {
	p.stored(newAppend("a", engine.NoStream, 3))
	before := p.read(0)
	p.NoError(p.keeper().SaveSnapshot(p.ctx, snapshot("a", 3, "{}")))
	p.Equal(before, p.read(0), "a snapshot changed the log")
	end, err := p.store.End(p.ctx)
	p.NoError(err)
	p.Equal(before[2].Position, end, "a snapshot moved the end of the log")
	p.stored(newAppend("a", engine.Exactly(3), 1))
	p.Len(p.load("a"), 4, "a snapshot changed a stream")
}

func snapshotEnds(p *probe) {
	keeper := p.keeper()
	p.stored(newAppend("a", engine.NoStream, 3))
	ctx, cancel := context.WithCancel(p.ctx)
	cancel()
	p.ErrorIs(keeper.SaveSnapshot(ctx, snapshot("a", 3, "{}")), context.Canceled, "SaveSnapshot must look at its context")
	_, _, err := keeper.LoadSnapshot(ctx, "a", 3)
	p.ErrorIs(err, context.Canceled, "LoadSnapshot must look at its context")
	p.notFound("a", 3)
	p.NoError(p.store.Close())
	p.ErrorIs(keeper.SaveSnapshot(p.ctx, snapshot("a", 3, "{}")), engine.ErrClosed, "SaveSnapshot on a closed store")
	_, _, err = keeper.LoadSnapshot(p.ctx, "a", 3)
	p.ErrorIs(err, engine.ErrClosed, "LoadSnapshot on a closed store")
}
