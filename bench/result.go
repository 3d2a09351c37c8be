package bench

import (
	"context"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
)

// Result is what a run comes to, in the form that the command line prints with --json.
type Result struct {
	Commands          int               `json:"commands"`
	Accepted          int               `json:"accepted"`
	Rejected          int               `json:"rejected"`
	Rejections        []Rejection       `json:"rejections,omitempty"` // the commonest reasons, at most twenty
	DeadLettered      int               `json:"dead_lettered"`
	Unknown           int               `json:"unknown"`
	Events            int               `json:"events"` // appended by this run
	Aggregates        int               `json:"aggregates"`
	Seconds           float64           `json:"seconds"`
	CommandsPerSecond float64           `json:"commands_per_second"`
	LatencyMS         LatencyMS         `json:"latency_ms"`
	Judged            bool              `json:"judged"`   // the store could be read back to its end
	Sequence          pipeline.Sequence `json:"sequence"` // read back from the store; says nothing unless Judged
	OK                bool              `json:"ok"`       // nothing in Sequence, in the pipeline's eyes and in the store
}

// LatencyMS is the time from admission to outcome in milliseconds.
type LatencyMS struct {
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
}

// Judge reads the store back and joins the verdict with what the pipeline reports.
func (a *Audit) Judge(ctx context.Context, store engine.Store, report pipeline.Report) (Result, error) {
	verdict, err := a.Check(ctx, store)
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return Result{
		Commands: report.Commands, Accepted: report.Accepted, Rejected: report.Rejected, Rejections: a.why(),
		DeadLettered: report.DeadLettered, Unknown: report.Unknown, Events: report.Events, Aggregates: a.Aggregates(),
		Seconds: report.Elapsed.Seconds(), CommandsPerSecond: report.Rate(),
		LatencyMS: LatencyMS{ms(report.Latency.P50), ms(report.Latency.P99), ms(report.Latency.P999)},
		Judged:    err == nil, Sequence: verdict, OK: err == nil && verdict.OK() && report.Sequence.OK(),
	}, err
}
