package directory

import (
	"context"
	"log/slog"
	"path/filepath"

	"github.com/maypok86/otter/v2"

	"github.com/egide-id/egide/internal/identity/rpps"
	"github.com/egide-id/egide/internal/platform/clock"
	"github.com/egide-id/egide/internal/platform/db/indexfile"
	"github.com/egide-id/egide/internal/platform/fault"
)

// Options say where the register is.
type Options struct {
	Dir   string
	Clock clock.Clock
	Log   *slog.Logger
}

// Register answers from the published file. It follows by itself when an
// import publishes a newer one.
type Register struct {
	follower *indexfile.Follower[*edition]
}

// edition is what belongs to one published file: its description and the
// persons already read from it. Both go when the next file comes, so that a
// person who changed is never served from before the change.
type edition struct {
	info    Info
	persons *otter.Cache[rpps.NationalID, *rpps.Professional]
}

const (
	// cachedPersons bounds the memory of decoded persons: about 2 KiB each.
	cachedPersons = 8192
	// connections is how many look-ups may read the file at once.
	connections = 4
)

// Open opens the register of a directory.
// Errors: fault.NotFound when nothing was imported into it yet.
func Open(ctx context.Context, o Options) (*Register, error) {
	f, err := indexfile.Follow(indexfile.Options{
		Path: filepath.Join(o.Dir, registerName), Connections: connections, Clock: o.Clock, Log: o.Log,
	}, func(f *indexfile.File) (*edition, error) { return newEdition(ctx, f) })
	if fault.Is(err, fault.NotFound) {
		return nil, fault.Wrap(fault.NotFound, "", "no register has been imported here: see egide directory import", err)
	}
	if err != nil {
		return nil, err
	}
	return &Register{follower: f}, nil
}

func newEdition(ctx context.Context, f *indexfile.File) (*edition, error) {
	info, err := readInfo(context.WithoutCancel(ctx), f)
	if err != nil {
		return nil, err
	}
	persons, err := otter.New(&otter.Options[rpps.NationalID, *rpps.Professional]{MaximumSize: cachedPersons})
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "", "the cache of persons cannot be made", err)
	}
	return &edition{info: info, persons: persons}, nil
}

// Close closes the register; look-ups under way finish first.
func (r *Register) Close() error { return r.follower.Close() }

// Info describes the register in service.
func (r *Register) Info(ctx context.Context) (Info, error) {
	lease, err := r.follower.Acquire(ctx)
	if err != nil {
		return Info{}, err
	}
	defer lease.Release()
	return lease.Value.info, nil
}

// Lookup implements Directory.
func (r *Register) Lookup(ctx context.Context, id rpps.NationalID) (rpps.Professional, error) {
	lease, err := r.follower.Acquire(ctx)
	if err != nil {
		return rpps.Professional{}, err
	}
	defer lease.Release()
	if p, ok := lease.Value.persons.GetIfPresent(id); ok {
		return *p, nil
	}
	p, err := find(ctx, lease.File, lease.Value.info, id)
	if err != nil {
		return rpps.Professional{}, err
	}
	// Unknown identifiers are not remembered: a stranger who tries many must
	// not push out those who are there.
	lease.Value.persons.Set(id, p)
	return *p, nil
}

// find resolves the identifier. An RPPS number is the person's own; any other
// kind may have been left for an RPPS number (the move from ADELI), so the
// aliases come first for it (rpps-import.md 6, rule 7).
func find(ctx context.Context, f *indexfile.File, info Info, id rpps.NationalID) (*rpps.Professional, error) {
	if id.Type() == rpps.RPPS {
		p, err := person(ctx, f, info, id)
		if fault.Is(err, fault.NotFound) {
			return throughAlias(ctx, f, info, id)
		}
		return p, err
	}
	p, err := throughAlias(ctx, f, info, id)
	if fault.Is(err, fault.NotFound) {
		return person(ctx, f, info, id)
	}
	return p, err
}

func throughAlias(ctx context.Context, f *indexfile.File, info Info, id rpps.NationalID) (*rpps.Professional, error) {
	target, err := f.Get(ctx, tableAliases, []byte(id.String()), nil)
	if err != nil {
		return nil, unknown(err)
	}
	main, err := rpps.ParseNationalID(string(target))
	if err != nil {
		return nil, errDamaged()
	}
	return person(ctx, f, info, main)
}

func person(ctx context.Context, f *indexfile.File, info Info, id rpps.NationalID) (*rpps.Professional, error) {
	data, err := f.Get(ctx, tablePersons, []byte(id.String()), nil)
	if err != nil {
		return nil, unknown(err)
	}
	var r record
	if err := readRecord(data, &r); err != nil {
		return nil, err
	}
	if !r.active() { // identifiers or savoir-faire of somebody no extract holds
		return nil, unknown(fault.New(fault.NotFound, "", "no extract holds the person"))
	}
	return assemble(id, &r, info)
}

// unknown gives a look-up that found nothing its public code.
func unknown(err error) error {
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	return fault.Wrap(fault.NotFound, "PF-ID-002", "no such professional in the register", err)
}

// Entity finds a FINESS establishment or legal entity. Errors: fault.NotFound.
func (r *Register) Entity(ctx context.Context, finess string) (Entity, error) {
	lease, err := r.follower.Acquire(ctx)
	if err != nil {
		return Entity{}, err
	}
	defer lease.Release()
	data, err := lease.File.Get(ctx, tableEntities, []byte(finess), nil)
	if err != nil {
		return Entity{}, err
	}
	var rec record
	if err := readRecord(data, &rec); err != nil {
		return Entity{}, err
	}
	e := Entity{ID: finess}
	for _, s := range []source{sourceSites, sourceLegal} {
		if b := rec.block(s); b != nil {
			e.Legal, e.Withdrawn = s == sourceLegal, b.closed()
			return e, readEntity(string(b.payload), &e)
		}
	}
	return Entity{}, errDamaged()
}
