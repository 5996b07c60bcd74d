package pki

import (
	"encoding/base64"
	"io"
	"net/http"
	"path"

	"golang.org/x/crypto/ocsp"

	"github.com/egide-id/egide/internal/platform/fault"
)

// Paths as IGC-Santé names its files, in its test branch [C].
func listPath(name string) string        { return "/CRL/" + name + "-TEST.crl" }
func certificatePath(name string) string { return "/AC%20TEST/" + name + "-TEST.cer" }

// maxRequest bounds an OCSP request: one certificate takes a hundred bytes.
const maxRequest = 4 << 10

// Handler publishes lists, certificates of authorities and OCSP answers.
func (a *Authority) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /CRL/{file}", func(w http.ResponseWriter, r *http.Request) {
		der, err := a.published(r.PathValue("file"), ".crl", a.CRL)
		reply(w, "application/pkix-crl", der, err)
	})
	mux.HandleFunc("GET /AC TEST/{file}", func(w http.ResponseWriter, r *http.Request) {
		der, err := a.published(r.PathValue("file"), ".cer", a.certificate)
		reply(w, "application/pkix-cert", der, err)
	})
	mux.HandleFunc("POST /ocsp", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
		if err != nil {
			reply(w, "", nil, fault.Wrap(fault.Invalid, "", "request too large", err))
			return
		}
		a.replyOCSP(w, body)
	})
	mux.HandleFunc("GET /ocsp/{request...}", func(w http.ResponseWriter, r *http.Request) {
		body, err := base64.StdEncoding.DecodeString(r.PathValue("request"))
		if err != nil || len(body) > maxRequest {
			reply(w, "", nil, fault.New(fault.Invalid, "", "request is not base64"))
			return
		}
		a.replyOCSP(w, body)
	})
	return mux
}

// replyOCSP answers also what went wrong in OCSP's own words (RFC 6960 4.2.1):
// clients do not look at the status of HTTP.
func (a *Authority) replyOCSP(w http.ResponseWriter, request []byte) {
	der, err := a.Respond(request)
	switch {
	case fault.Is(err, fault.Invalid):
		der = ocsp.MalformedRequestErrorResponse
	case fault.Is(err, fault.NotFound):
		der = ocsp.UnauthorizedErrorResponse
	case err != nil:
		der = ocsp.TryLaterErrorResponse
	}
	reply(w, "application/ocsp-response", der, nil)
}

// published finds what a file name stands for.
func (a *Authority) published(file, suffix string, get func(name string) ([]byte, error)) ([]byte, error) {
	for name := range specs() {
		if file == name+"-TEST"+suffix {
			return get(name)
		}
	}
	return nil, fault.New(fault.NotFound, "", "no such file")
}

func (a *Authority) certificate(name string) ([]byte, error) {
	var der []byte
	err := a.locked(func() error {
		found, err := a.existing(name)
		if err == nil {
			der = found.cert.Raw
		}
		return err
	})
	return der, err
}

// Lists signs the lists of all authorities made so far, by the names of their files.
func (a *Authority) Lists() (map[string][]byte, error) {
	lists := map[string][]byte{}
	for name := range specs() {
		der, err := a.CRL(name)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		lists[path.Base(listPath(name))] = der
	}
	return lists, nil
}

func reply(w http.ResponseWriter, kind string, der []byte, err error) {
	switch {
	case fault.Is(err, fault.NotFound):
		http.Error(w, "no such file", http.StatusNotFound)
	case fault.Is(err, fault.Invalid):
		http.Error(w, "not a request", http.StatusBadRequest)
	case err != nil:
		http.Error(w, "unavailable", http.StatusServiceUnavailable)
	default:
		// An OCSP answer holds a nonce of the caller's choice: no browser may take it for a page.
		w.Header().Set("Content-Type", kind)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(der) //nolint:gosec // G705: DER, and typed; the peer may be gone
	}
}
