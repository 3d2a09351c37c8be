package middleware

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/orchestrix-go/orchestrix/engine"
)

// LogOptions are the options of Log. The zero value works.
type LogOptions struct {
	// Slow is the time from which on a call that succeeded is worth a warning, up to 24 h. Zero means 1 s; negative means
	// never.
	Slow time.Duration
}

// Log writes one line for each call: a warning for one that failed or was slow, and at debug level for one that succeeded
// or was refused, so that a logger above that level has no line for an ordinary message. Ids are fields; payloads are not
// written.
func Log(logger *zap.Logger, options LogOptions) engine.Middleware {
	o := options
	var fault error
	if logger == nil {
		fault = errors.New("the logger is nil")
	}
	if o.Slow >= 0 {
		fault = all(fault, within("Slow", &o.Slow, time.Second, 0, 24*time.Hour))
	}
	return engine.Middleware{Name: "log", Err: fault, Wrap: func(next engine.Next) engine.Next {
		return func(ctx context.Context, call engine.Call) (events []any, err error) {
			began := time.Now()
			err = errGone                                                   // until it returns
			defer func() { o.line(logger, call, time.Since(began), err) }() // deferred, for a handler that panics or ends its goroutine
			return next(ctx, call)
		}
	}}
}

// line writes what came of a call.
func (o *LogOptions) line(logger *zap.Logger, call engine.Call, took time.Duration, err error) {
	level, says := zapcore.DebugLevel, "handled"
	switch {
	case errors.Is(err, engine.ErrRejected):
		says = "rejected"
	case err != nil:
		level, says = zapcore.WarnLevel, "handler failed"
	case o.Slow > 0 && took >= o.Slow:
		level, says = zapcore.WarnLevel, "handler was slow"
	}
	entry := logger.Check(level, says)
	if entry == nil {
		return
	}
	fields := []zap.Field{
		zap.String("type", call.Type), zap.String("handler", call.Handler), zap.Stringer("id", call.Message.ID),
		zap.String("aggregate", call.Message.Subject), zap.Duration("took", took),
	}
	if err != nil {
		fields = append(fields, zap.Error(err))
	}
	entry.Write(fields...)
}
