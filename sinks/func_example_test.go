package sinks_test

import (
	"errors"
	"fmt"
	"os"

	"github.com/reugn/go-streams/extension"
	"github.com/reugn/go-streams/flow"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks"
)

func ExampleFunc() {
	elements := make(chan any, 2) // filled and closed here, read by the source; room for all
	elements <- "tea"
	elements <- "cake"
	close(elements)

	sink := sinks.Func(func(item string) error {
		fmt.Println("sold", item)
		return nil
	})
	extension.NewChanSource(elements).Via(flow.NewPassThrough()).To(sink)
	fmt.Println("error:", sink.Err())
	// Output:
	// sold tea
	// sold cake
	// error: <nil>
}

func ExampleJSONLines() {
	elements := make(chan any, 2) // filled and closed here, read by the source; room for all
	elements <- &engine.Command{Message: engine.Message{
		ID: engine.NameID("shop", "1"), Type: "order.pay", Source: "shop", Subject: "order-1", Data: engine.Raw(`{"cents":500}`),
	}}
	elements <- &engine.DeadLetter{
		Command: &engine.Command{
			Message: engine.Message{Data: engine.Raw("pay, please")},
			Origin:  "orders.jsonl:17",
			Defect:  errors.New("not a CloudEvents JSON object"),
		},
	}
	close(elements)

	sink := sinks.JSONLines(os.Stdout, nil)
	extension.NewChanSource(elements).Via(flow.NewPassThrough()).To(sink)
	// Output:
	// {"specversion":"1.0","id":"f7e72f12-1598-5418-a4c6-80aa158810ad","type":"order.pay","source":"shop","subject":"order-1","datacontenttype":"application/json","data":{"cents":500}}
	// {"origin":"orders.jsonl:17","reason":"not a CloudEvents JSON object","raw":"pay, please"}
}
