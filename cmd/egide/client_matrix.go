package main

import (
	"encoding/csv"
	"slices"
	"strings"

	"github.com/egide-id/egide/internal/oidc/claims"
)

// clientMatrixCmd prints which scope tells which claim to which service (PG-40).
// It is computed by what answers the services, not kept beside it.
type clientMatrixCmd struct {
	runningFlags
	Format string `help:"text, csv or markdown." enum:"text,csv,markdown" default:"text"`
	Client string `help:"One service only."`
}

// Run prints.
func (c clientMatrixCmd) Run(a *app) error {
	admin, err := c.admin()
	if err != nil {
		return err
	}
	rows, err := admin.ClientMatrix(a.Ctx)
	if err != nil {
		return err
	}
	if c.Client != "" {
		rows = slices.DeleteFunc(rows, func(r claims.Row) bool { return r.Client != c.Client })
	}
	switch c.Format {
	case "csv":
		return matrixCSV(a, rows)
	case "markdown":
		return matrixMarkdown(a, rows)
	}
	return matrixText(a, rows)
}

func matrixText(a *app, rows []claims.Row) error {
	p := &printer{w: a.Out}
	last := ""
	for _, r := range rows {
		if r.Client != last {
			p.line("%s", r.Client)
			last = r.Client
		}
		p.line("  %-10s %s", r.Scope, strings.Join(r.Claims, " "))
		if len(r.Beyond) > 0 {
			p.line("  %-10s beyond the declared need: %s", "", strings.Join(r.Beyond, " "))
		}
	}
	return p.err
}

// matrixCSV has a line for each claim, for spreadsheets.
func matrixCSV(a *app, rows []claims.Row) error {
	w := csv.NewWriter(a.Out)
	lines := [][]string{{"client", "scope", "claim", "declared"}}
	for _, r := range rows {
		for _, claim := range r.Claims {
			declared := "yes"
			if slices.Contains(r.Beyond, claim) {
				declared = "no"
			}
			lines = append(lines, []string{r.Client, r.Scope, claim, declared})
		}
	}
	return w.WriteAll(lines)
}

// matrixMarkdown has a column for each scope and a table for each service: x is
// told and declared, + is told and was not declared.
func matrixMarkdown(a *app, rows []claims.Row) error {
	p := &printer{w: a.Out}
	for len(rows) > 0 {
		id := rows[0].Client
		n := slices.IndexFunc(rows, func(r claims.Row) bool { return r.Client != id })
		if n < 0 {
			n = len(rows)
		}
		var names []string
		p.line("## %s\n", id)
		header, rule := "| claim |", "| --- |"
		for _, r := range rows[:n] {
			header, rule = header+" "+r.Scope+" |", rule+" --- |"
			names = append(names, r.Claims...)
		}
		p.line("%s\n%s", header, rule)
		slices.Sort(names)
		for _, claim := range slices.Compact(names) {
			line := "| " + claim + " |"
			for _, r := range rows[:n] {
				line += " " + mark(r, claim) + " |"
			}
			p.line("%s", line)
		}
		p.line("")
		rows = rows[n:]
	}
	return p.err
}

func mark(r claims.Row, claim string) string {
	switch {
	case !slices.Contains(r.Claims, claim):
		return ""
	case slices.Contains(r.Beyond, claim):
		return "+"
	}
	return "x"
}
