package client

import (
	"context"
	"log/slog"
)

// Source gives the registrations that are kept in the database. Every change
// has a mark above all before it.
type Source interface {
	// Since gives what changed above a mark, and the highest mark there is.
	Since(ctx context.Context, mark int64) ([]Entry, int64, error)
}

// Entry is one registration as kept: its document, nil once it was taken out.
type Entry struct {
	ID       string
	Document []byte
}

// Refresh takes in what changed in the database, now.
func (r *Registry) Refresh(ctx context.Context) error {
	if r.o.Kept == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	entries, mark, err := r.o.Kept.Since(ctx, r.mark)
	if err != nil {
		return err
	}
	for _, e := range entries {
		r.take(ctx, e)
	}
	r.mark = mark
	r.publish()
	return nil
}

// take keeps one entry. One that cannot be read leaves the client as it was: a
// newer node may have written what this one does not know yet.
func (r *Registry) take(ctx context.Context, e Entry) {
	if e.Document == nil {
		delete(r.kept, e.ID)
		return
	}
	c, faults := Parse(e.ID, e.Document)
	for _, state := range r.files {
		if state.client != nil && state.client.ID == e.ID {
			faults = append(faults, Fault{File: e.ID, Path: "id", Message: "is taken by a file of this node"})
		}
	}
	if len(faults) > 0 {
		r.o.Log.ErrorContext(ctx, "client of the database cannot be used, its last good version is kept",
			slog.String("client", e.ID), slog.String("fault", faults[0].String()))
		return
	}
	r.kept[e.ID] = c
}

// follow is Refresh for Watch: what cannot be read now is read next time.
func (r *Registry) follow(ctx context.Context) {
	if err := r.Refresh(ctx); err != nil && ctx.Err() == nil {
		r.o.Log.WarnContext(ctx, "client database cannot be read, all clients kept", slog.Any("error", err))
	}
}

// Places a registration can live in.
const (
	PlaceFile     = "file"
	PlaceDatabase = "database"
	PlaceSandbox  = "sandbox"
)

// Place tells where a client is registered, empty if nowhere.
func (r *Registry) Place(id string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.kept[id]; ok {
		return PlaceDatabase
	}
	if _, ok := r.added[id]; ok {
		return PlaceSandbox
	}
	for _, state := range r.files {
		if state.client != nil && state.client.ID == id {
			return PlaceFile
		}
	}
	return ""
}
