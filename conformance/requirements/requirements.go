// Command requirements writes docs/conformance.md: which requirement is held by
// which tests. It reads the requirements beside it and the names of all tests: a
// test belongs to the requirements that its name begins with. CI runs every test
// at each change and fails on one that fails, so a line of the table is no promise.
package main

import (
	_ "embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

//go:embed requirements.tsv
var source string

// requirement is one row of the list.
type requirement struct {
	id, level, title string
	later            string // why nothing holds it yet; empty: something must
}

// tests are the names that begin with a requirement, by its id.
type tests map[string][]string

var (
	names = []*regexp.Regexp{
		regexp.MustCompile(`(?m)^func Test((?:(?:D|ME|AZ|TK|CA|DP|PA|UI|SE|LO|CI|RE|TL|PG|HA)\d+)+)([A-Z]\w*)?\(`),
		regexp.MustCompile(`\.Run\("((?:(?:D|ME|AZ|TK|CA|DP|PA|UI|SE|LO|CI|RE|TL|PG|HA)\d+)+)([A-Z ][^"]*)?"`),
		regexp.MustCompile(`\b(?:test|it)\(['"\x60]((?:(?:D|ME|AZ|TK|CA|DP|PA|UI|SE|LO|CI|RE|TL|PG|HA)\d+)+)([A-Z ][^'"\x60]*)?['"\x60]`),
	}
	one = regexp.MustCompile(`[A-Z]+\d+`)
)

func main() {
	root := "."
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	table, err := write(root)
	if err == nil {
		err = os.WriteFile(filepath.Join(root, "docs", "conformance.md"), []byte(table), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "requirements:", err)
		os.Exit(1)
	}
}

func list() []requirement {
	var out []requirement
	for line := range strings.Lines(source) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		out = append(out, requirement{id: f[0], level: f[1], title: f[2], later: f[3]})
	}
	return out
}

// find reads every test of the tree.
func find(root string) (tests, error) {
	found := tests{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != root):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, "_test.go") && !strings.HasSuffix(path, ".test.js") && !strings.HasSuffix(path, ".test.mjs"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err == nil {
			found.read(filepath.ToSlash(folder), string(text))
		}
		return err
	})
	return found, err
}

func (f tests) read(folder, text string) {
	for _, shape := range names {
		for _, m := range shape.FindAllStringSubmatch(text, -1) {
			name := folder + " `" + m[1] + m[2] + "`"
			for _, id := range one.FindAllString(m[1], -1) {
				if !slices.Contains(f[id], name) {
					f[id] = append(f[id], name)
				}
			}
		}
	}
}

func write(root string) (string, error) {
	found, err := find(root)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(`# Conformance

Which requirement is held by which tests. M must, S should, O optional; the sources of each are the standards that the tests' comments name.
*held* means that the tests named run at every change and a change that fails one does not land; *later* names what is not built. Written by ` + "`make conformance`" + ` from the
names of the tests; a test fails when this page is not what it writes, or when a requirement is neither held nor set aside.

| id | | requirement | state | tests |
| --- | --- | --- | --- | --- |
`)
	for _, r := range list() {
		held := found[r.id]
		slices.Sort(held)
		state := "held"
		switch {
		case r.later != "" && len(held) > 0:
			state = "partly; " + r.later
		case r.later != "":
			state = r.later
		case len(held) == 0:
			state = "OPEN"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r.id, r.level, r.title, state, strings.Join(held, "<br>"))
	}
	return b.String(), nil
}
