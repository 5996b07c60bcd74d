// Package assets holds the style sheet, the scripts and the mark of the pages.
// Each is served under a name that carries its hash: it can be kept for ever,
// and a new version is a new address.
package assets

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed *.css *.js *.svg
var files embed.FS

// Prefix is the path under which Files serves.
const Prefix = "/assets/"

type file struct {
	body        []byte
	contentType string
}

// Files is every asset by its public name.
type Files struct {
	urls   map[string]string
	served map[string]file
}

// Load reads and names every asset. What it reads is part of the program, so a
// failure is a broken build and nothing a caller could handle.
func Load() *Files {
	f := &Files{urls: map[string]string{}, served: map[string]file{}}
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		panic("assets: " + err.Error())
	}
	for _, entry := range entries {
		name := entry.Name()
		body, err := files.ReadFile(name)
		if err != nil {
			panic("assets: " + err.Error())
		}
		sum := sha256.Sum256(body)
		ext := path.Ext(name)
		public := strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
		f.urls[name] = Prefix + public
		f.served[public] = file{body: body, contentType: contentType(ext)}
	}
	return f
}

// URL gives the address of an asset; fails on a name that does not exist, so
// that a mistake in a template shows in its first test.
func (f *Files) URL(name string) (string, error) {
	u, ok := f.urls[name]
	if !ok {
		return "", fmt.Errorf("assets: no file %q", name)
	}
	return u, nil
}

// Has tells whether an address under Prefix is one of ours.
func (f *Files) Has(address string) bool {
	_, ok := f.served[strings.TrimPrefix(address, Prefix)]
	return ok
}

// ServeHTTP answers GET and HEAD under Prefix.
func (f *Files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asset, ok := f.served[strings.TrimPrefix(r.URL.Path, Prefix)]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", asset.contentType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Length", strconv.Itoa(len(asset.body)))
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(asset.body) // the reader has gone: nobody is left to tell
}

// contentType is fixed here, not asked from the machine's own list.
func contentType(ext string) string {
	switch ext {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return "application/octet-stream"
}
