package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// stateFile is where a phone is kept, readable by its owner alone.
type stateFile string

func (f stateFile) path() string { return filepath.Clean(string(f)) }

// reserve creates the file: an enrolled phone is never overwritten by another.
func (f stateFile) reserve() error {
	file, err := os.OpenFile(f.path(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

// abandon removes what reserve made when there is no phone to keep.
func (f stateFile) abandon(cause error) error { return errors.Join(cause, os.Remove(f.path())) }

// save replaces the file in one step and syncs it: a phone that loses a ratchet
// looks like a copy of itself and is suspended.
func (f stateFile) save(state []byte) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(f.path()), ".ecps-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
	}()
	_, err = tmp.Write(state)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), f.path())
}

func (f stateFile) load() ([]byte, error) { return os.ReadFile(f.path()) }

// pin reads the first line of the file, or of the input when no file is named.
func (t *tools) pin(file string) (string, error) {
	if file == "" {
		return t.ask("PIN")
	}
	f, err := os.Open(filepath.Clean(file))
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	return firstLine(f)
}

// ask reads one line of the input.
func (t *tools) ask(what string) (string, error) {
	if _, err := fmt.Fprintf(t.err, "%s: ", what); err != nil {
		return "", err
	}
	return firstLine(t.in)
}

// firstLine reads byte by byte, so that what follows is left for the next question.
func firstLine(r io.Reader) (string, error) {
	line, err := bufio.NewReaderSize(oneByte{r}, 16).ReadString('\n')
	if line = strings.TrimSpace(line); line == "" {
		return "", errors.Join(errors.New("nothing was typed"), err)
	}
	return line, nil
}

type oneByte struct{ r io.Reader }

// Read implements io.Reader.
func (o oneByte) Read(p []byte) (int, error) { return o.r.Read(p[:1]) }
