package bench

// Experiments are the measurements of the engine that need nothing but this module, in the sequence of the report.
func Experiments() []Experiment {
	return []Experiment{
		{"seed", "100 messages with 5 handlers that wait 1 ms each: one by one, by five workers, all at once, by hand", Seed},
		{"sequence", "the sequence in which events are appended against that in which commands arrive", Sequence},
		{"pipeline", "commands a second through the whole pipeline in memory, beside lanes by hand and go-streams", Pipeline},
		{"fanout", "five handlers for each command, joined: they do nothing, or they compute", FanOut},
		{"latency", "how long one command takes: callers that wait, and commands that come on a schedule", Latency},
		{"durable", "events synced before they are acknowledged, beside what the disk allows", Durable},
		{"replay", "a log of a million events read back, one stream loaded, a reader that follows writers", Replay},
		{"scale", "more of everything: commands in flight, handlers, workers, aggregates", Scale},
	}
}
