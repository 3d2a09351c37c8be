//go:build race

package pipeline_test

// raceDetector says that the race detector is in the test. With it, a goroutine that time.AfterFunc starts inside a
// bubble of synctest now and then breaks the detector itself (go.dev/issue/78156): a lane that rests after a conflict is
// such a goroutine, and context.WithTimeout makes one too. What makes many of them runs in real time instead, or not.
const raceDetector = true
