package metrics

import (
	"time"

	"github.com/egide-id/egide/internal/trust/audit"
)

// Recorded counts a trace. What happened in the house is known from its traces:
// nothing else needs to be told twice.
func (m *Metrics) Recorded(e audit.Event, took time.Duration, err error) {
	m.recordLatency.Observe(took.Seconds())
	if err != nil {
		m.recordsLost.Inc()
		return
	}
	m.records.WithLabelValues(audit.Name(e)).Inc()
	switch e := e.(type) {
	case audit.LoginSucceeded:
		m.logins.WithLabelValues(m.reasons.label(e.Means), "succeeded").Inc()
	case audit.LoginRefused:
		m.logins.WithLabelValues(m.reasons.label(e.Means), "refused").Inc()
		m.loginRefusals.WithLabelValues(m.reasons.label(e.Reason)).Inc()
	case audit.TokenIssued:
		m.tokens.WithLabelValues(m.clients.label(e.Client), m.reasons.label(e.Grant)).Inc()
	case audit.TokenRefreshed:
		m.tokens.WithLabelValues(m.clients.label(e.Client), "refresh_token").Inc()
	case audit.FamilyRevoked:
		m.families.WithLabelValues(m.reasons.label(e.Reason)).Inc()
	case audit.SessionEnded:
		m.sessions.WithLabelValues(m.reasons.label(e.Reason)).Inc()
	case audit.ConfigChanged:
		m.changes.WithLabelValues(outcome(e.Accepted)).Inc()
	}
}

func outcome(accepted bool) string {
	if accepted {
		return "accepted"
	}
	return "refused"
}

// Refused counts a vain try of a stranger.
func (m *Metrics) Refused(f audit.Failure) {
	m.refusals.WithLabelValues(m.reasons.label(string(f.Kind))).Inc()
}

// Signed counts a signature.
func (m *Metrics) Signed(alg string, took time.Duration) {
	m.signatures.WithLabelValues(alg).Observe(took.Seconds())
}

// Pushed counts what became of a push.
func (m *Metrics) Pushed(outcome string) { m.pushes.WithLabelValues(outcome).Inc() }
