package pipeline_test

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/reugn/go-streams/flow"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/order"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sources"
)

func Example() {
	commands := strings.NewReader(`
{"specversion":"1.0","id":"1","source":"shop","type":"order.create","subject":"order-1","data":{"customer":"ada"}}
{"specversion":"1.0","id":"2","source":"shop","type":"order.add_item","subject":"order-1","data":{"sku":"tea","quantity":2,"unit_price_cents":450}}
{"specversion":"1.0","id":"3","source":"shop","type":"order.ship","subject":"order-1","data":{"carrier":"post"}}
`)
	store := memory.New()
	p, err := pipeline.New(engine.NewRegistry(order.Module{}), sinks.NewStore(store), pipeline.Options{})
	if err != nil {
		panic(err)
	}
	report, err := p.Run(context.Background(), sources.JSONLines(commands))
	fmt.Println(report.Accepted, "accepted,", report.Rejected, "rejected, error:", err)
	for event, err := range store.Load(context.Background(), "order-1", 1) {
		fmt.Println(event.Version, event.Type, err)
	}
	// Output:
	// 2 accepted, 1 rejected, error: <nil>
	// 1 order.created <nil>
	// 2 order.item_added <nil>
}

// A program that submits commands by itself waits for each outcome.
func ExamplePipeline_Do() {
	p, err := pipeline.New(engine.NewRegistry(order.Module{}), sinks.NewStore(memory.New()), pipeline.Options{})
	if err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _, err = p.Run(ctx) })

	o, doErr := p.Do(ctx, engine.NewCommand("order-1", order.Create{Customer: "ada"}))
	fmt.Println(o.Status, "at version", o.Last, doErr)
	_, doErr = p.Do(ctx, engine.NewCommand("order-1", order.Create{Customer: "eve"}))
	fmt.Println(doErr)

	stop() // what was admitted is finished
	running.Wait()
	fmt.Println("error:", err)
	// Output:
	// accepted at version 1 <nil>
	// rejected: the order exists already: it is open
	// error: <nil>
}

// Send does not wait: the commands of one aggregate are decided together, in the sequence of the calls.
func ExamplePipeline_Send() {
	p, err := pipeline.New(engine.NewRegistry(order.Module{}), sinks.NewStore(memory.New()), pipeline.Options{})
	if err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _, err = p.Run(ctx) })

	var receipts []*pipeline.Receipt
	for _, data := range []any{
		order.Create{Customer: "ada"}, order.AddItem{SKU: "tea", Quantity: 1, UnitPriceCents: 450}, order.Pay{AmountCents: 450},
	} {
		r, err := p.Send(ctx, engine.NewCommand("order-1", data))
		if err != nil {
			panic(err)
		}
		receipts = append(receipts, r)
	}
	for _, r := range receipts {
		o, err := r.Wait(ctx)
		fmt.Println(o.Status, "at version", o.Last, err)
	}
	stop()
	running.Wait()
	// Output:
	// accepted at version 1 <nil>
	// accepted at version 2 <nil>
	// accepted at version 3 <nil>
}

// A pipeline is a stage of a plain go-streams chain too.
func ExamplePipeline_Dispatch() {
	ch := make(chan *engine.Command, 3) // filled and closed here, read by the source; room for all
	for _, customer := range []string{"ada", "mallory", "eve"} {
		ch <- engine.NewCommand("order-of-"+customer, order.Create{Customer: customer})
	}
	close(ch)
	filter := flow.NewFilter(func(cmd *engine.Command) bool { return cmd.Subject != "order-of-mallory" }, 1)

	store := memory.New()
	sink := sinks.NewStore(store)
	p, err := pipeline.New(engine.NewRegistry(order.Module{}), sink, pipeline.Options{})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	sources.Chan(ch).Via(filter).Via(p.Dispatch(ctx)).To(sink)

	for event, err := range store.Read(ctx, 0) { // two aggregates: their events may stand in either sequence
		fmt.Println(event.Subject, event.Type, err)
	}
	fmt.Println("error:", sink.Err())
	// Unordered output:
	// order-of-ada order.created <nil>
	// order-of-eve order.created <nil>
	// error: <nil>
}
