package directory

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/egide-id/egide/internal/platform/fault"
)

// staged is a file that was read to its end: what it said, and the sorted runs
// that hold it. It is written to the staging area's manifest, so that an
// import that dies later need not read the file again.
type staged struct {
	Path    string           `json:"path"`
	ModTime int64            `json:"mtime_ns"`
	Report  FileReport       `json:"report"`
	Runs    map[source][]run `json:"runs"`
}

// reading is one file on its way into the staging area.
type reading struct {
	layout  layout
	in      *bufio.Reader
	hash    hash.Hash
	file    *os.File
	prefix  string
	sorters map[source]*sorter
	facts   facts
}

// headSize is how much is looked at to recognise a file and its encoding.
const headSize = 64 << 10

// stageFile reads one file into sorted runs under dir.
func stageFile(ctx context.Context, path, dir string, number int, progress *progress) (staged, error) {
	info, err := os.Stat(path)
	if err != nil {
		return staged{}, fault.Wrap(fault.Invalid, "", "file cannot be read: "+filepath.Base(path), err)
	}
	f, err := os.Open(path)
	if err != nil {
		return staged{}, fault.Wrap(fault.Invalid, "", "file cannot be read: "+filepath.Base(path), err)
	}
	r := &reading{file: f, hash: sha256.New(), sorters: map[source]*sorter{}, prefix: filepath.Join(dir, "file"+strconv.Itoa(number))}
	err = r.read(ctx, progress)
	if err := errors.Join(err, f.Close()); err != nil {
		return staged{}, err
	}
	s := staged{Path: path, ModTime: info.ModTime().UnixNano(), Runs: map[source][]run{}}
	for src, sorter := range r.sorters {
		if s.Runs[src], err = sorter.finish(); err != nil {
			return staged{}, err
		}
	}
	s.Report = FileReport{
		Name: filepath.Base(path), Kind: string(r.layout.kind), Date: dateOf(filepath.Base(path)), Bytes: info.Size(),
		SHA256: hex.EncodeToString(r.hash.Sum(nil)), Encoding: "UTF-8",
	}
	if r.layout.latin1 {
		s.Report.Encoding = "ISO-8859-1"
	}
	r.facts.report(&s.Report, &r.layout)
	return s, nil
}

func (r *reading) read(ctx context.Context, progress *progress) error {
	raw := io.TeeReader(io.TeeReader(r.file, progress), r.hash)
	var err error
	if r.in, err = unzipped(raw); err != nil {
		return err
	}
	if err := r.recognise(); err != nil {
		return err
	}
	if r.layout.kind == kindJSONFINESS {
		err = r.readJSON()
	} else {
		err = r.readLines(ctx)
	}
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, raw) // so that the digest covers the whole file
	if err != nil {
		return fault.Wrap(fault.Unavailable, "", "the file cannot be read", err)
	}
	return nil
}

// unzipped reads through gzip, as FINESS is published, or plainly.
func unzipped(raw io.Reader) (*bufio.Reader, error) {
	in := bufio.NewReaderSize(raw, headSize)
	if head, _ := in.Peek(2); len(head) < 2 || head[0] != 0x1f || head[1] != 0x8b {
		return in, nil
	}
	gz, err := gzip.NewReader(in)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "", "the compressed file cannot be read", err)
	}
	return bufio.NewReaderSize(gz, headSize), nil
}

// recognise looks at the head of the file and consumes its header line.
func (r *reading) recognise() error {
	head, err := r.in.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return fault.Wrap(fault.Unavailable, "", "the file cannot be read", err)
	}
	bom := 0
	if len(head) >= 3 && head[0] == 0xef && head[1] == 0xbb && head[2] == 0xbf {
		bom = 3
	}
	head = head[bom:]
	line := firstLine(head)
	if len(line) == 0 {
		return fault.New(fault.Invalid, "", "the file is empty")
	}
	// The headers of the extracts hold accents, which settles the encoding; a
	// FINESS file has none, and is small enough to be asked as a whole.
	latin1 := isLatin1(line)
	r.layout, err = recognise(decodeText(line, latin1), latin1)
	if err != nil {
		return err
	}
	if r.layout.kind == kindFlatFINESS {
		if r.layout.latin1, err = r.wholeIsLatin1(); err != nil {
			return err
		}
	}
	discard := bom
	if r.layout.hasHeader {
		discard += len(line)
		if len(head) > len(line) {
			discard++ // the line end
		}
		r.facts.lines = 1
	}
	if _, err := r.in.Discard(discard); err != nil {
		return fault.Wrap(fault.Unavailable, "", "the file cannot be read", err)
	}
	return nil
}

func firstLine(head []byte) []byte {
	for i, c := range head {
		if c == '\n' {
			return head[:i]
		}
	}
	return head
}

// wholeIsLatin1 reads the file once more from its start, beside the reading
// under way.
func (r *reading) wholeIsLatin1() (latin1 bool, err error) {
	f, err := os.Open(r.file.Name())
	if err != nil {
		return false, fault.Wrap(fault.Unavailable, "", "the file cannot be read", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	in, err := unzipped(f)
	if err != nil {
		return false, err
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if isLatin1(lines.Bytes()) {
			return true, nil
		}
	}
	if err := lines.Err(); err != nil {
		return false, fault.Wrap(fault.Invalid, "", "the file holds a line of more than a megabyte", err)
	}
	return false, nil
}

func (r *reading) readJSON() error {
	var b batch
	const enough = 1 << 20
	err := readFINESSJSON(r.in, &b, func() error {
		if len(b.arena) < enough {
			return nil
		}
		return r.take(&b)
	})
	if err != nil {
		return err
	}
	return r.take(&b)
}

// take moves a batch into the sorters and empties it.
func (r *reading) take(b *batch) error {
	for _, e := range b.entries {
		s := r.sorters[e.source]
		if s == nil {
			s = newSorter(r.prefix + "-" + e.source.String())
			r.sorters[e.source] = s
		}
		if err := s.add(b.arena[e.start:e.keyEnd], b.arena[e.keyEnd:e.end]); err != nil {
			return err
		}
	}
	r.facts.plus(&b.facts)
	b.reset()
	return nil
}

// dateOf reads the date the publisher puts in a file's name,
// PS_LibreAcces_Personne_activite_202611220812.txt; empty when there is none.
// A file's own time is not used: copying changes it.
func dateOf(name string) string {
	for i := 0; i < len(name); {
		end := i
		for end < len(name) && name[end] >= '0' && name[end] <= '9' {
			end++
		}
		const day, minute = len("20261122"), len("202611220812")
		switch digits := name[i:end]; {
		case !strings.HasPrefix(digits, "20"):
		case len(digits) == minute:
			return digits
		case len(digits) == day:
			return digits + timeAfter(name[end:])
		}
		i = end + 1
	}
	return ""
}

// timeAfter reads the "-0812" that FINESS puts after the day.
func timeAfter(rest string) string {
	const length = len("-0812")
	if len(rest) < length || rest[0] != '-' || strings.Trim(rest[1:length], "0123456789") != "" {
		return "0000"
	}
	return rest[1:length]
}
