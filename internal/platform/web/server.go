package web

import (
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// Limits of one connection. A stranger who sends or reads slowly holds nothing
// for long; handlers that answer for longer (server-sent events) move their own
// deadline with http.ResponseController.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 90 * time.Second
	maxHeader         = 32 << 10
)

// Server gives an http.Server with the limits of the house; the caller listens.
func Server(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// KeepOpen lifts the deadlines of this one answer, for long polls and
// server-sent events. Without it net/http cancels the request's context when
// readTimeout has passed, although nothing is left to read.
func KeepOpen(w http.ResponseWriter) error {
	rc := http.NewResponseController(w)
	return errors.Join(rc.SetReadDeadline(time.Time{}), rc.SetWriteDeadline(time.Time{}))
}
