package bench

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The ways by hand check what ours checks: expected versions and the domain.
func TestHandwrittenRefuses(t *testing.T) {
	event := func() *handEvent { return &handEvent{Account: "a", Data: Deposited{Number: 1, Cents: 1}} }
	lane, chunk, store := &handLane{}, &chunkLane{}, newHandStore()
	for name, appendAt := range map[string]func(expected uint64) error{
		"lane":  func(expected uint64) error { return lane.append(expected, *event()) },
		"chunk": func(expected uint64) error { return chunk.append(expected, event()) },
		"store": func(expected uint64) error { return store.append(expected, event()) },
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, appendAt(0))
			require.EqualError(t, appendAt(0), "bench: a is at version 1, not 0")
			require.Error(t, appendAt(2))
			require.NoError(t, appendAt(1))
		})
	}
	require.Equal(t, uint64(2), store.version("a"))

	nothing := []handCommand{{"a", Deposit{Number: 1, Cents: 1}}, {"a", Deposit{Number: 2}}, {"a", Deposit{Number: 3, Cents: 1}}}
	for name, run := range map[string]func(store *handStore) error{
		"lanes":      func(*handStore) error { return handTurn(map[string]*handLane{}, &handLog{}, nothing) },
		"chunks":     func(*handStore) error { return chunkTurn(map[string]*chunkLane{}, &chunkLog{}, nothing) },
		"stages":     func(s *handStore) error { return runStages(t.Context(), nothing, s) },
		"go-streams": func(s *handStore) error { return runChain(t.Context(), nothing, s) },
		"typed": func(*handStore) error {
			return typedTurn(map[string]*typedLane{}, []typedCommand{{"a", Deposit{Number: 1}}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorIs(t, run(newHandStore()), errNothing)
		})
	}
	_, err := decideByHand("nonsense")
	require.Error(t, err)
}

// Positions count the whole log, whatever shard an event is of.
func TestHandwrittenLogHasOnePositionForEachEvent(t *testing.T) {
	log, chunks := &handLog{}, &chunkLog{}
	for _, account := range []string{"a", "b"} {
		cmds := []handCommand{{account, Deposit{Number: 1, Cents: 5}}, {account, Deposit{Number: 2, Cents: 5}}}
		lanes, chunked := map[string]*handLane{}, map[string]*chunkLane{}
		require.NoError(t, handTurn(lanes, log, cmds))
		require.NoError(t, chunkTurn(chunked, chunks, cmds))
		require.Equal(t, int64(10), lanes[account].balance)
		require.Equal(t, int64(10), chunked[account].balance)
	}
	require.Equal(t, uint64(4), log.chunks[1][1].event().Position)
	require.Equal(t, uint64(4), chunks.chunks[1][1].Position)
	require.NotEqual(t, chunks.chunks[0][0].ID, chunks.chunks[0][1].ID)
}
