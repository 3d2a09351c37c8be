package sources_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/reugn/go-streams/extension"
	"github.com/reugn/go-streams/flow"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sources"
)

// show prints what a pipeline would be fed with.
func show(commands []*engine.Command) error {
	for _, c := range commands {
		fmt.Println(c.Subject, c.Data)
	}
	return nil
}

func ExampleChan() {
	commands := make(chan *engine.Command, 2) // filled and closed here, read by the source; room for both
	commands <- engine.NewCommand("order-1", "create")
	commands <- engine.NewCommand("order-1", "pay")
	close(commands)

	err := sources.Chan(commands).Feed(context.Background(), show)
	fmt.Println(err)
	// Output:
	// order-1 create
	// order-1 pay
	// <nil>
}

func ExampleSlice() {
	sink := extension.NewStdoutSink()
	sources.Slice([]string{"tea", "cake"}).Via(flow.NewMap(strings.ToUpper, 1)).To(sink)
	// Output:
	// TEA
	// CAKE
}

func ExampleSeq() {
	for e := range sources.Seq(slices.Values([]int{1, 2, 3})).Out() {
		fmt.Println(e)
	}
	// Output:
	// 1
	// 2
	// 3
}

func ExampleSeq2() {
	rows := func(yield func(*engine.Command, error) bool) {
		_ = yield(engine.NewCommand("order-1", "create"), nil) && yield(nil, errors.New("the table is gone"))
	}
	err := sources.Seq2(rows).Feed(context.Background(), show)
	fmt.Println(err)
	// Output:
	// order-1 create
	// the table is gone
}

func ExampleJSONLines() {
	input := strings.NewReader(`
{"specversion":"1.0","id":"1","type":"order.pay","source":"shop","subject":"order-1","data":{"cents":500}}
pay, please
`)
	source := sources.JSONLines(input) // of os.Stdin, the origin would be /dev/stdin:2
	err := source.Feed(context.Background(), func(commands []*engine.Command) error {
		for _, c := range commands {
			fmt.Printf("%s %s %s, defect: %t\n", c.Origin, c.Type, c.Data, c.Defect != nil)
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// input:2 order.pay {"cents":500}, defect: false
	// input:3  pay, please, defect: true
	// <nil>
}

func ExampleJSONLinesFrom() {
	source := sources.JSONLinesFrom("upload 7", strings.NewReader("pay, please"))
	fmt.Println((<-source.Out()).(*engine.Command).Origin)
	// Output: upload 7:1
}

func ExampleLog() {
	store := &growing{n: 2} // any engine.Store
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	source := sources.Log(store, 0)
	source.Start(ctx)
	for e := range source.Out() {
		event := e.(*engine.Event)
		fmt.Println("position", event.Position)
		if event.Position == 20 {
			cancel() // it would wait for the next event for ever
		}
	}
	fmt.Println(source.Err())
	// Output:
	// position 10
	// position 20
	// <nil>
}

func ExampleLogToEnd() {
	store := &growing{n: 3} // any engine.Store
	for e := range sources.LogToEnd(store, 10).Out() {
		fmt.Println("position", e.(*engine.Event).Position)
	}
	// Output:
	// position 20
	// position 30
}

// A replay is a source like any other: a pipeline reads it, and a letter goes when its command is stored.
func ExampleDeadLetters() {
	store := memory.New()
	for _, reason := range []string{"no answer", "no stock"} {
		cmd := engine.NewCommand("order-1", reason)
		store.Append(context.Background(), []engine.Append{{
			Aggregate: cmd.Subject, CommandID: cmd.ID, Expected: engine.Never, Letter: engine.NewDeadLetter(cmd, errors.New(reason)),
		}})
	}

	source := sources.DeadLetters(store, sources.LetterFilter{Reason: "answer"})
	fmt.Println(source.Feed(context.Background(), show), source.PassedOver())
	// Output:
	// order-1 no answer
	// <nil> 0
}
