package provider

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/egide-id/egide/internal/oidc/client"
	"github.com/egide-id/egide/internal/oidc/desk"
	"github.com/egide-id/egide/internal/trust/audit"
)

// openClients reads the registrations, those of the folder and those of the
// database. A broken file at start is fatal: nobody
// would notice a missing service until its users do. Later it keeps its last
// good version and says so (HA8).
func (r *resources) openClients(ctx context.Context, c Config, d Deps) error {
	// The bus only makes other nodes' changes seen sooner: without it they are
	// seen at the next look, within two seconds.
	wake, unsubscribe, err := r.bus.Subscribe(ctx, desk.Topic)
	if err != nil {
		d.Log.WarnContext(ctx, "changes of clients are seen by looking alone", slog.Any("error", err))
	} else {
		r.onClose(func() error { unsubscribe(); return nil })
	}
	clients, faults, err := client.Load(c.ClientsDir, client.Options{
		Clock: d.Clock, Log: d.Log, Kept: desk.NewTable(r.db), Wake: wake,
		OnChange: func(change client.Change) {
			r.note(ctx, d, audit.ClientChanged{Client: change.Client, Change: change.Kind, Fingerprint: change.Fingerprint})
		},
	})
	if err != nil {
		return fmt.Errorf("clients: %w", err)
	}
	if err := clients.Refresh(ctx); err != nil {
		return fmt.Errorf("clients: %w", err)
	}
	r.clients = clients
	r.desk = desk.New(desk.Deps{DB: r.db, Clients: clients, Audit: r.traces, Clock: d.Clock, Rand: d.Rand, Log: d.Log, Bus: r.bus})
	return brokenClients(faults)
}

// CheckClients reads the registrations without taking them into use, and tells
// every fault.
func CheckClients(c Config) error {
	_, faults, err := client.Load(c.ClientsDir, client.Options{})
	if err != nil {
		return fmt.Errorf("clients: %w", err)
	}
	return brokenClients(faults)
}

func brokenClients(faults []client.Fault) error {
	var broken []error
	for _, f := range faults {
		broken = append(broken, errors.New(f.String()))
	}
	return errors.Join(broken...)
}
