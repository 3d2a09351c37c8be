package memory_test

import (
	"context"
	"fmt"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
)

func ExampleNew() {
	ctx := context.Background()
	store := memory.New()
	results := store.Append(ctx, []engine.Append{{
		Aggregate: "order-17",
		Expected:  engine.NoStream,
		CommandID: engine.NewID(),
		Events: []engine.Event{
			{Message: engine.Message{ID: engine.NewID(), Type: "order.created", Subject: "order-17", Data: 4200}},
		},
	}})
	fmt.Println("version", results[0].Last, "error", results[0].Err)
	for event, err := range store.Load(ctx, "order-17", 1) {
		fmt.Println(event.Version, event.Type, event.Data, err)
	}
	// Output:
	// version 1 error <nil>
	// 1 order.created 4200 <nil>
}
