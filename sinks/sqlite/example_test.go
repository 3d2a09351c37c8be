package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks/sqlite"
)

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "orders")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx, path := context.Background(), filepath.Join(dir, "orders.db")

	store, err := sqlite.Open(ctx, path, sqlite.Options{}) // an engine.Registry as Codec gives typed payloads
	if err != nil {
		log.Fatal(err)
	}
	results := store.Append(ctx, []engine.Append{{
		Aggregate: "order-17",
		Expected:  engine.NoStream,
		CommandID: engine.NewID(),
		Events: []engine.Event{{Message: engine.Message{
			ID: engine.NewID(), Type: "order.created", Subject: "order-17", Data: engine.Raw(`{"amount":4200}`),
		}}},
	}})
	fmt.Println("version", results[0].Last, "error", results[0].Err)

	_, err = sqlite.Open(ctx, path, sqlite.Options{})
	fmt.Println("second writer refused:", errors.Is(err, sqlite.ErrLocked))
	fmt.Println(store.Close())
	// Output:
	// version 1 error <nil>
	// second writer refused: true
	// <nil>
}
