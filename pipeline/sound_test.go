package pipeline_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
)

// fragile is an error that does not bear to be asked.
type fragile struct{ text, is, unwrap bool }

func (f fragile) Error() string {
	if f.text {
		panic("no text")
	}
	return "fragile"
}

func (f fragile) Is(error) bool {
	if f.is {
		panic("no Is")
	}
	return false
}

func (f fragile) Unwrap() error {
	if f.unwrap {
		panic("no Unwrap")
	}
	return nil
}

// fragiles are errors that do not bear to be asked, by what is wrong with them.
func fragiles() map[string]error {
	var rejected *engine.RejectedError
	var named *engine.HandlerError
	var failed *engine.PanicError
	return map[string]error{
		"nil rejection": rejected, "nil handler error": named, "nil panic": failed,
		"wrapped nil":     errors.Join(engine.Temporary(errors.New("later")), rejected),
		"text that fails": fragile{text: true}, "Is that fails": fragile{is: true}, "Unwrap that fails": fragile{unwrap: true},
	}
}

// A nil pointer that became an error, and errors whose methods panic, cost the command that met them and nothing else.
func TestErrorsThatDoNotBearToBeAsked(t *testing.T) {
	for name, fault := range fragiles() {
		t.Run(name, func(t *testing.T) {
			for _, thrown := range []bool{false, true} {
				fail := func() ([]any, error) {
					if thrown {
						panic(fault)
					}
					return nil, fault
				}
				b := newBelt(t, memory.New(), pipeline.Options{}, module(func(r *engine.Registry) {
					engine.OnCommand(r, "do", "doer", func(context.Context, *engine.Command, int) ([]any, error) { return fail() })
					d := engine.NewDecider(r, "decider", func() int { return 0 })
					engine.Decide(d, "decide", func(context.Context, int, string) ([]any, error) { return fail() })
				}))
				outcomes := b.feed(engine.NewCommand("a", 1), engine.NewCommand("b", "b"))
				for _, o := range outcomes {
					require.Equal(t, engine.DeadLettered, o.Status)
					require.NotEmpty(t, o.Err.Error())
				}
			}
		})
	}
}

// A store that answers with such an error has not said what became of the append.
func TestAnswersThatDoNotBearToBeAsked(t *testing.T) {
	for name, fault := range fragiles() {
		t.Run(name, func(t *testing.T) {
			store := &picky{memory.New(), func(*engine.Append) error { return fault }}
			o := newBelt(t, store, pipeline.Options{Retry: once}).feed(engine.NewCommand("a", put{}))[0]
			require.Equal(t, engine.Unknown, o.Status)
			require.NotEmpty(t, o.Err.Error())
		})
	}
}

// Nor does a source that says so why it could not read a command take more with it than that command.
func TestDefectsThatDoNotBearToBeAsked(t *testing.T) {
	for name, fault := range fragiles() {
		t.Run(name, func(t *testing.T) {
			cmd := engine.NewCommand("a", put{})
			cmd.Defect = fault
			store := memory.New()
			o := newBelt(t, store, pipeline.Options{}).feed(cmd)[0]
			require.Equal(t, engine.DeadLettered, o.Status)
			kept, _ := store.CountDeadLetters()
			require.Equal(t, 1, kept)
		})
	}
}
