package main

import (
	"time"

	"go.uber.org/zap/zapcore"
)

// timeEncoder writes times with milliseconds and zone.
func timeEncoder(t time.Time, enc zapcore.PrimitiveArrayEncoder) {
	enc.AppendString(t.Format("2006-01-02T15:04:05.000Z07:00"))
}

// durationEncoder writes durations as seconds.
func durationEncoder(d time.Duration, enc zapcore.PrimitiveArrayEncoder) {
	enc.AppendFloat64(d.Round(time.Millisecond).Seconds())
}
