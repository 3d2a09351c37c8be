//go:build !race

package pipeline_test

const raceDetector = false // see race_on_test.go
