package pipeline

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
)

func TestWindowGivesWhatIsFree(t *testing.T) {
	w := newWindow(5)
	take := func(want, got int) {
		n, err := w.acquire(t.Context(), want)
		require.NoError(t, err)
		require.Equal(t, got, n)
	}
	take(3, 3)
	take(9, 2)
	require.Equal(t, 5, w.inFlight())
	require.False(t, w.release(1), "nobody waits")
	take(9, 1)
	require.False(t, w.release(5))
	require.Zero(t, w.inFlight())
}

// First come, first served: a small want does not pass a large one.
func TestWindowIsFair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWindow(4)
		_, _ = w.acquire(t.Context(), 4)
		var served []int
		for i := range 5 {
			go func() {
				n, err := w.acquire(t.Context(), 2)
				require.NoError(t, err)
				require.Positive(t, n)
				served = append(served, i)
			}()
			synctest.Wait()
		}
		for range 5 {
			require.True(t, w.release(2))
			synctest.Wait()
		}
		require.Equal(t, []int{0, 1, 2, 3, 4}, served)
	})
}

// Waiters come and go in every possible way; at the end all places are there.
func TestWindowLosesNoPlace(t *testing.T) {
	for seed := range uint64(50) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			w := newWindow(1 + rng.IntN(4))
			for range 50 {
				want, patience, hold := 1+rng.IntN(5), time.Duration(rng.IntN(2000)), time.Duration(rng.IntN(1000))
				go func() {
					ctx, cancel := context.WithCancel(context.Background())
					go func() { // not context.WithTimeout: see raceDetector
						time.Sleep(patience)
						cancel()
					}()
					n, err := w.acquire(ctx, want)
					if err != nil {
						return
					}
					require.LessOrEqual(t, n, want)
					require.LessOrEqual(t, w.inFlight(), w.size, "seed %d", seed)
					time.Sleep(hold)
					w.release(n)
				}()
				time.Sleep(time.Duration(rng.IntN(100)))
			}
			w.close()
			<-w.drained()
			time.Sleep(time.Second) // until all patience is over
			synctest.Wait()
			require.Equal(t, w.size, w.free, "seed %d", seed)
			require.Empty(t, w.waiting)
		})
	}
}

func TestWindowClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWindow(1)
		_, _ = w.acquire(t.Context(), 1)
		refused := make(chan error, 1) // the goroutine below sends once; room for it
		go func() {
			_, err := w.acquire(context.Background(), 1)
			refused <- err
		}()
		synctest.Wait()
		w.close()
		require.ErrorIs(t, <-refused, engine.ErrClosed)
		_, err := w.acquire(t.Context(), 1)
		require.ErrorIs(t, err, engine.ErrClosed)

		drained := w.drained()
		synctest.Wait()
		select {
		case <-drained:
			require.Fail(t, "drained with a command in flight")
		default:
		}
		w.release(1)
		<-drained
		<-w.drained()
	})
}

// Commands that are answered at once take places beyond the size, and nobody gets one until those are back.
func TestWindowOverdraw(t *testing.T) {
	w := newWindow(2)
	_, _ = w.acquire(t.Context(), 1)
	w.overdraw(3)
	require.Equal(t, 4, w.inFlight())
	w.close()
	drained := w.drained()
	for range 4 {
		select {
		case <-drained:
			require.Fail(t, "drained too early")
		default:
		}
		w.release(1)
	}
	<-drained
}
