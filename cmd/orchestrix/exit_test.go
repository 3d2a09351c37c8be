package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/order"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sinks/sqlite"
)

// stopped runs the program with a context that a signal has ended already.
func stopped(args ...string) call {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	var out, errs bytes.Buffer
	status := execute(ctx, args, streams{strings.NewReader(""), &out, &errs})
	return call{status, out.String(), errs.String()}
}

// A signal has one exit status wherever it comes, also while the store is opened. To a follower it is the normal end.
func TestInterrupted(t *testing.T) {
	store := filepath.Join(t.TempDir(), "orders.db")
	require.Equal(t, 0, orchestrix(t, "", "run", "--commands", "50", "--store", store).status)
	for _, args := range []string{
		"run --store " + store, "run --store memory:", "stress --store " + store, "stress", "bench pipeline", "events --store " + store,
	} {
		c := stopped(strings.Fields(args)...)
		require.Equal(t, exitInterrupted, c.status, "%s: %s", args, c.err)
	}
	c := stopped("events", "--follow", "--store", store)
	require.Equal(t, 0, c.status, c.err)
}

// Events that are cut off in the middle do not look complete.
func TestEventsInterruptedInTheMiddle(t *testing.T) {
	store := filepath.Join(t.TempDir(), "orders.db")
	require.Equal(t, 0, orchestrix(t, "", "run", "--commands", "3000", "--store", store).status)
	ctx, stop := context.WithCancel(context.Background())
	out, errs := &lineCounter{most: 5, reached: stop}, &bytes.Buffer{}
	status := execute(ctx, []string{"events", "--store", store}, streams{strings.NewReader(""), out, errs})
	require.Equal(t, exitInterrupted, status, errs)
	require.Less(t, strings.Count(out.String(), "\n"), 3000)
	require.True(t, strings.HasSuffix(out.String(), "}\n"))
}

// A full disk behind standard output is an error of the run, and no wrong usage.
func TestOutputThatCannotBeWritten(t *testing.T) {
	store := filepath.Join(t.TempDir(), "orders.db")
	for _, args := range []string{
		"run --commands 50 --store " + store, "run --commands 50 --store memory: --json", "stress --commands 50",
		"events --store " + store,
	} {
		var errs bytes.Buffer
		status := execute(context.Background(), strings.Fields(args), streams{strings.NewReader(""), fullDisk{}, &errs})
		require.Equal(t, exitBroken, status, args)
		require.Contains(t, errs.String(), "no space left", args)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// An input that breaks off is unreadable, whatever was done before.
func TestInputThatBreaksOff(t *testing.T) {
	for _, lines := range []string{"", badLines + "\n", orderLines(t, 50, 5)} {
		var out, errs bytes.Buffer
		in := io.MultiReader(strings.NewReader(lines), iotest.ErrReader(errors.New("the cable was pulled")))
		t.Chdir(t.TempDir())
		status := execute(context.Background(), []string{"run", "--in", "-", "--store", "memory:"}, streams{in, &out, &errs})
		require.Equal(t, exitUsage, status, errs.String())
		require.Contains(t, errs.String(), "the cable was pulled")
	}
}

// Dead letters that cannot be kept fail the run: they are in no other place.
func TestDeadLettersThatCannotBeKept(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.Mkdir("orchestrix.dead.jsonl", 0o700))
	c := orchestrix(t, badLines, "run", "--in", "-", "--store", "memory:")
	require.Equal(t, exitBroken, c.status, c.err)
	require.Equal(t, 1, strings.Count(c.err, "the dead letters cannot be kept"), c.err)
}

// The sink tells the error of the file while the run goes on.
func TestDeadLettersTellTheirErrorAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeadLetters(t.TempDir(), io.Discard, engine.NewRegistry(order.Module{}))
		letter := &engine.DeadLetter{Command: &engine.Command{}, Err: errors.New("why")}
		d.sink.In() <- letter
		synctest.Wait()
		d.sink.In() <- letter
		synctest.Wait()
		require.ErrorContains(t, d.sink.Err(), "cannot be kept")
		close(d.sink.In())
		require.ErrorContains(t, d.Close(), "cannot be kept")
	})
}

// Whoever is told of more dead letters is sent to where they are: those of a stop are not in the store.
func TestMoreDeadLettersAreWhereItSays(t *testing.T) {
	for _, stored := range []bool{true, false} {
		path, says := filepath.Join(t.TempDir(), "dead"), &strings.Builder{}
		d := newDeadLetters(path, says, engine.NewRegistry(order.Module{}))
		d.store = "x.db"
		for i := range deadLettersShown + 2 {
			letter := &engine.DeadLetter{Command: &engine.Command{}, Err: errors.New("why")}
			if stored {
				letter.Number = uint64(i + 1)
			}
			d.sink.In() <- letter
		}
		close(d.sink.In())
		d.sink.AwaitCompletion()
		require.NoError(t, d.Close())
		where := path
		if stored {
			where = "orchestrix letters list --store x.db"
		}
		require.Equal(t, deadLettersShown, strings.Count(says.String(), "dead letter 0"), says)
		require.Contains(t, says.String(), "more dead letters: see "+where+"\n")
	}
}

// A pipeline may leave the sink behind in the middle of a letter. Close then says so and returns.
func TestDeadLettersLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{}) // closed at the end; nobody sends
		d := newDeadLetters(filepath.Join(t.TempDir(), "dead"), writer(func(p []byte) (int, error) {
			<-stuck
			return len(p), nil
		}), engine.NewRegistry(order.Module{}))
		d.sink.In() <- &engine.DeadLetter{Command: &engine.Command{}, Err: errors.New("why")}
		synctest.Wait()
		require.ErrorIs(t, d.Close(), errLettersHang)
		close(stuck)
		close(d.sink.In())
		d.sink.AwaitCompletion()
		close(d.lines.In())
		d.lines.AwaitCompletion()
		require.NoError(t, d.file.Close())
	})
	synctest.Test(t, func(t *testing.T) { // between two letters
		d := newDeadLetters(filepath.Join(t.TempDir(), "dead"), io.Discard, engine.NewRegistry(order.Module{}))
		require.NoError(t, d.Close())
		d.sink.In() <- &engine.DeadLetter{Command: &engine.Command{}, Err: errors.New("why")}
		close(d.sink.In())
		d.sink.AwaitCompletion()
		require.ErrorIs(t, d.sink.Err(), errLettersHang)
	})
}

// The exit status names the worst that happened.
func TestRunEnds(t *testing.T) {
	bg := context.Background()
	gone, stop := context.WithCancel(bg)
	stop()
	broken, letters := &exitError{status: exitBroken}, &exitError{status: exitDeadLetters}
	unread, cut := errors.New("unreadable"), errors.New("cut")
	for i, c := range []struct {
		ctx                     context.Context
		verdict, unread, failed error
		want                    int
	}{
		{bg, letters, nil, nil, exitDeadLetters},
		{gone, letters, nil, nil, exitInterrupted},
		{bg, letters, unread, nil, exitUsage},
		{gone, broken, unread, nil, exitBroken},
		{gone, letters, unread, cut, exitBroken},
		{bg, errors.New("cannot be printed"), unread, nil, exitBroken},
	} {
		exit, ok := errors.AsType[*exitError]((&runFlags{}).end(c.ctx, c.verdict, c.unread, c.failed))
		require.True(t, ok)
		require.Equal(t, c.want, exit.status, "case %d", i)
	}
	require.NoError(t, (&runFlags{}).end(bg, nil, nil, nil))
}

// Who reads that the store failed reads what to do about it too.
func TestStoreFailureSaysWhatToDo(t *testing.T) {
	for _, cause := range []error{engine.ErrClosed, engine.ErrUnknown, sqlite.ErrPoisoned} {
		err := (&runFlags{in: "x"}).end(t.Context(), nil, nil, fmt.Errorf("pipeline: %w", cause))
		require.ErrorIs(t, err, cause)
		require.ErrorContains(t, err, "run the same input again; what was accepted is not done twice")
		require.ErrorContains(t, (&runFlags{seed: 7}).end(t.Context(), nil, nil, cause), "(--seed 7) again")
	}
	require.NotContains(t, (&runFlags{}).end(t.Context(), nil, nil, errors.New("other")).Error(), "disk")
	damaged := (&runFlags{store: "x.db"}).end(t.Context(), nil, nil, fmt.Errorf("read: %w", engine.ErrCorrupt))
	require.ErrorContains(t, damaged, "orchestrix verify --store x.db says where")
}

// A store that cannot be read back fails the run.
func TestReadBackFails(t *testing.T) {
	t.Chdir(t.TempDir())
	store := memory.New()
	require.NoError(t, store.Close())
	f := &runFlags{in: "-", store: memoryStore}
	source, _, err := f.source(streams{in: strings.NewReader("")})
	require.NoError(t, err)
	result, unread, failed := f.belt(t.Context(), streams{err: io.Discard}, engine.NewRegistry(order.Module{}), store, source)
	require.NoError(t, unread)
	require.ErrorIs(t, failed, engine.ErrClosed)
	require.False(t, result.OK)
	require.Contains(t, verdict(result), "is not known", "nobody has found it broken")
}
