package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func TestRecordsCarryTheirRequest(t *testing.T) {
	for _, format := range []string{"json", "text", "unknown"} {
		var out bytes.Buffer
		log := NewLogger(&out, "info", format)
		ctx := WithRequestID(t.Context(), "r-1")
		log.InfoContext(ctx, "within")
		log.With(slog.String("a", "b")).WithGroup("g").InfoContext(ctx, "derived", slog.Int("n", 1))
		log.InfoContext(t.Context(), "without")
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(lines) != 3 || !strings.Contains(lines[0], "r-1") || !strings.Contains(lines[1], "r-1") || strings.Contains(lines[2], "request_id") {
			t.Errorf("%s: %s", format, out.String())
		}
		if json.Valid([]byte(lines[0])) != (format != "text") {
			t.Errorf("%s: %s", format, lines[0])
		}
	}
	if RequestID(context.Background()) != "" {
		t.Error("a request out of nothing")
	}
}

func TestLevels(t *testing.T) {
	for level, want := range map[string]int{"debug": 4, "info": 3, "warn": 2, "error": 1, "": 3, "unknown": 3} {
		var out bytes.Buffer
		log := NewLogger(&out, level, "json")
		log.Debug("m")
		log.Info("m")
		log.Warn("m")
		log.Error("m")
		if n := strings.Count(out.String(), "\n"); n != want {
			t.Errorf("level %q: %d lines, want %d", level, n, want)
		}
		if KnownLevel(level) != (level != "" && level != "unknown") {
			t.Errorf("level %q known: %v", level, KnownLevel(level))
		}
	}
	if !KnownFormat("json") || !KnownFormat("text") || KnownFormat("xml") {
		t.Error("formats")
	}
}

// jwt is a token by its shape; the name under which it is logged is innocent.
const jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzM2NyZXQifQ.c2lnbmF0dXJl"

func TestSecretsNeverReachTheLog(t *testing.T) {
	const secret = "s3cret-value-of-some-length"
	for _, a := range []slog.Attr{
		slog.String("secret", secret), slog.String("client_secret", secret), slog.String("clientSecret", secret),
		slog.String("access_token", secret), slog.Any("tokens", []string{secret}), slog.String("code", secret),
		slog.String("code-verifier", secret), slog.String("PIN", secret), slog.String("password", secret),
		slog.String("Set-Cookie", secret), slog.String("cookie_header", secret), slog.String("Authorization", secret),
		slog.String("otp", secret), slog.String("client.assertion", secret), slog.String("signing_key", secret),
		slog.Group("request", slog.String("code", secret)), slog.Group("cookies", slog.String("sid", secret)),
		slog.Any("error", errors.New("Get \"https://op.example/cb?code="+secret+"&state=x\": refused")),
		slog.String("url", "https://op.example/cb?state=x&id_token="+secret), slog.String("header", "Authorization: Bearer "+secret),
		slog.String("form", "client_secret="+secret), slog.String("body", jwt), slog.Any("cause", errors.New("bad token "+jwt)),
	} {
		for _, format := range []string{"json", "text"} {
			var out bytes.Buffer
			log := NewLogger(&out, "info", format)
			log.LogAttrs(t.Context(), slog.LevelInfo, "direct", a)
			log.With(a).Info("kept")
			if s := out.String(); strings.Contains(s, secret) || strings.Contains(s, "eyJ") || !strings.Contains(s, redacted) {
				t.Errorf("%s %s: %s", format, a.Key, s)
			}
		}
	}
}

func TestWhatOperatorsNeedIsKept(t *testing.T) {
	for _, a := range []slog.Attr{
		slog.String("fault_code", "PF-EC-010"), slog.Int("status_code", 400), slog.String("token_type", "Bearer-ish"),
		slog.String("client", "dmp"), slog.String("path", "/auth?client_id=dmp&state=abc"), slog.String("shipping", "value"),
		slog.Any("error", errors.New("basic authentication of the disk failed")), slog.String("kid", "2026-11"),
	} {
		var out bytes.Buffer
		NewLogger(&out, "info", "json").LogAttrs(t.Context(), slog.LevelInfo, "m", a)
		if strings.Contains(out.String(), redacted) {
			t.Errorf("%s: %s", a.Key, out.String())
		}
	}
}
