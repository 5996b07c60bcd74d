package assets

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
)

//go:embed app/*.html app/*.css app/*.js app/*.svg app/*.png app/*.webmanifest
var appFiles embed.FS

// appPolicy is the Content-Security-Policy of the app's host (CSP level 3): its
// own files and nothing else, and no text that becomes a script or a page
// (trusted types). The origin holds the keys of phones.
const appPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; manifest-src 'self'; " +
	"worker-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types egide"

// served is one file of the app, ready to leave.
type served struct {
	body, zipped []byte
	contentType  string
	forever      bool // its address carries the version
}

// App is the e-CPS app: one page, its modules under an address that carries the
// version of them all, so that they import one another by plain relative names,
// and a service worker that keeps them for a phone without a network.
type App struct{ files map[string]served }

// LoadApp reads every file once. What it reads is part of the program, so a
// failure is a broken build and nothing a caller could handle.
func LoadApp() *App {
	all, sum := map[string][]byte{}, sha256.New()
	entries, err := fs.ReadDir(appFiles, "app")
	if err != nil {
		panic("assets: " + err.Error())
	}
	for _, e := range entries {
		body, err := appFiles.ReadFile("app/" + e.Name())
		if err != nil {
			panic("assets: " + err.Error())
		}
		all[e.Name()] = body
		sum.Write([]byte(e.Name()))
		sum.Write(body)
	}
	version := hex.EncodeToString(sum.Sum(nil)[:6])
	base := "/app/" + version + "/"
	a := &App{files: map[string]served{}}
	shell := []string{"/", "/manifest.webmanifest"}
	for name, body := range all {
		switch name {
		case "index.html", "manifest.webmanifest", "sw.js":
		default:
			a.add(base+name, body, true)
			shell = append(shell, base+name)
		}
	}
	slices.Sort(shell)
	list, err := json.Marshal(shell)
	if err != nil {
		panic("assets: " + err.Error())
	}
	fill := strings.NewReplacer("{{base}}", base, "{{version}}", version, "[/* shell */]", string(list))
	for address, name := range map[string]string{"/": "index.html", "/manifest.webmanifest": "manifest.webmanifest", "/sw.js": "sw.js"} {
		a.add(address, []byte(fill.Replace(string(all[name]))), false)
		f := a.files[address]
		f.contentType = appType(path.Ext(name))
		a.files[address] = f
	}
	return a
}

func (a *App) add(address string, body []byte, forever bool) {
	f := served{body: body, contentType: appType(path.Ext(address)), forever: forever}
	if path.Ext(address) != ".png" {
		var b bytes.Buffer
		z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
		if err == nil {
			_, err = z.Write(body)
		}
		if err == nil {
			err = z.Close()
		}
		if err != nil {
			panic("assets: " + err.Error())
		}
		f.zipped = b.Bytes()
	}
	a.files[address] = f
}

// Has tells whether an address is one of the app's.
func (a *App) Has(address string) bool {
	_, ok := a.files[address]
	return ok
}

// ServeHTTP answers GET and HEAD.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := a.files[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Content-Security-Policy", appPolicy)
	h.Set("Permissions-Policy", "camera=(self), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache")
	if f.forever {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Set("Vary", "Accept-Encoding")
	body := f.body
	if len(f.zipped) > 0 && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		body = f.zipped
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(body) // the reader has gone: nobody is left to tell
}

func appType(ext string) string {
	switch ext {
	case ".html":
		return "text/html; charset=utf-8"
	case ".png":
		return "image/png"
	case ".webmanifest":
		return "application/manifest+json"
	}
	return contentType(ext)
}
