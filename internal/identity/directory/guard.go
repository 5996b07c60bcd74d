package directory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"

	"github.com/egide-id/egide/internal/platform/fault"
)

// largestChange is the share of a source that one import may create, update or
// lose before a human must look (rpps-import.md 6, rule 3).
const largestChange = 0.05

// sourcesOf tells which sources a file of that kind speaks for.
func sourcesOf(k kind, runs map[source][]run) []source {
	switch k {
	case kindPublic:
		return []source{sourcePublic}
	case kindRestricted:
		return []source{sourceRestricted}
	case kindExpertise:
		return []source{sourceExpertise}
	case kindIdentifiers:
		return []source{sourceIdentifiers}
	case kindJSONFINESS:
		return []source{sourceSites, sourceLegal}
	}
	var list []source // a flat FINESS file holds one kind or the other
	for s := range runs {
		list = append(list, s)
	}
	slices.Sort(list)
	return list
}

func (i *importing) gave(s source) bool {
	return slices.ContainsFunc(i.files, func(f staged) bool {
		return slices.Contains(sourcesOf(kind(f.Report.Kind), f.Runs), s)
	})
}

// foresee works out what the register will be made of, and whether these are
// the same files again.
func (i *importing) foresee() {
	i.after = Info{At: i.started, Sources: map[string]SourceState{}}
	for name, state := range i.before.Sources {
		i.after.Sources[name] = state
	}
	same := i.old != nil
	for s := range sourceCount {
		if !i.gave(s) {
			continue
		}
		state := i.stateOf(s)
		if i.before.Sources[s.String()].SHA256 != state.SHA256 {
			same = false
		}
		i.after.Sources[s.String()] = state
	}
	i.report.UpToDate = same && i.before.Format == registerFormat
	i.after.Format = registerFormat
	i.report.Fingerprint = i.after.fingerprint()
}

// stateOf sums up the files of one source; the digest does not depend on the
// order they were named in.
func (i *importing) stateOf(s source) SourceState {
	state := SourceState{At: i.started}
	var digests []string
	for _, f := range i.files {
		if !slices.Contains(sourcesOf(kind(f.Report.Kind), f.Runs), s) {
			continue
		}
		state.Files = append(state.Files, f.Report.Name)
		state.Rows += f.Report.Rows
		state.Date = max(state.Date, f.Report.Date)
		digests = append(digests, f.Report.SHA256)
	}
	state.SHA256 = digests[0]
	if len(digests) > 1 {
		slices.Sort(digests)
		sum := sha256.Sum256([]byte(strings.Join(digests, "\n")))
		state.SHA256 = hex.EncodeToString(sum[:])
	}
	return state
}

// checkFiles looks at what the files are, before anything is compared.
func (i *importing) checkFiles() {
	least := max(1, i.o.MinRows)
	for _, f := range i.report.Files {
		if f.BadLines > 0 {
			i.stop("bad-lines", f.Kind, fmt.Sprintf("%s holds %d malformed lines, the first at line %d (%s)",
				f.Name, f.BadLines, f.FirstBadLines[0].Line, f.FirstBadLines[0].Reason))
		}
		if f.Rows < least && kind(f.Kind) != kindIdentifiers {
			i.stop("too-few-rows", f.Kind, fmt.Sprintf("%s holds %d rows, at least %d are expected", f.Name, f.Rows, least))
		}
	}
	for s := range sourceCount {
		before, after := i.before.Sources[s.String()], i.after.Sources[s.String()]
		if i.gave(s) && before.Date != "" && after.Date != "" && after.Date < before.Date {
			i.stop("older", s.String(), fmt.Sprintf("the file is of %s, older than the one in service, of %s", after.Date, before.Date))
		}
	}
}

// checkChanges looks at how much would change, before it does.
func (i *importing) checkChanges(m *merger) {
	for _, s := range m.streams {
		c := m.changes[s.source]
		c.Source = s.source.String()
		i.report.Changes = append(i.report.Changes, c)
		if s.known && !s.again {
			i.checkShares(s.source, c, m.persons)
		}
	}
	for f := range i.report.Files {
		for _, s := range sourcesOf(kind(i.report.Files[f].Kind), i.files[f].Runs) {
			i.report.Files[f].Duplicates += m.duplicates[s]
			m.duplicates[s] = 0
		}
	}
	i.report.Persons, i.report.Closed = m.persons, m.closed
	i.report.Entities, i.report.Aliases = m.entities, i.after.Aliases
}

func (i *importing) checkShares(s source, c SourceReport, persons int) {
	if s.cumulative() { // it may add at will, but not close the register
		i.checkShare("closed", c.Source, c.Closed, persons)
		return
	}
	i.checkShare("created", c.Source, c.Created, c.Before)
	i.checkShare("updated", c.Source, c.Updated, c.Before)
	i.checkShare("missing", c.Source, c.Missing, c.Before)
}

func (i *importing) checkShare(rule, source string, n, of int) {
	if share := float64(n) / float64(max(1, of)); share > largestChange {
		i.stop(rule, source, fmt.Sprintf("%d of %d records %s (%.1f %%), more than %.0f %%", n, of, rule, 100*share, 100*largestChange))
	}
}

func (i *importing) stop(rule, source, detail string) {
	i.report.Refusals = append(i.report.Refusals, Refusal{Rule: rule, Source: source, Detail: detail})
}

func (i *importing) stopped() bool { return len(i.report.Refusals) > 0 && !i.o.Accept }

// refuse ends an import that a guard rail stopped. What was read stays in the
// staging area, so that --accept need not read it again.
func (i *importing) refuse(ctx context.Context) error {
	for _, r := range i.report.Refusals {
		i.o.Log.WarnContext(ctx, "register import stopped", slog.String("rule", r.Rule), slog.String("source", r.Source), slog.String("detail", r.Detail))
	}
	return fault.New(fault.Denied, "", "the import was stopped and the old register stays in service: "+i.report.Refusals[0].Detail)
}

func (i *importing) merger() *merger {
	return &merger{
		old: i.old, after: i.after, now: i.started,
		aliases: newSorter(filepath.Join(i.staging, "aliases")),
	}
}
