package pki

import (
	"encoding/base64"
	"io"
	"net/http"
	"strings"

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

func (a *Authority) replyOCSP(w http.ResponseWriter, request []byte) {
	der, err := a.Respond(request)
	if fault.Is(err, fault.Invalid) {
		// OCSPResponseStatus malformedRequest (RFC 6960 4.2.1).
		der, err = []byte{0x30, 3, 0x0a, 1, 1}, nil
	}
	reply(w, "application/ocsp-response", der, err)
}

// published finds what a file name stands for; only made authorities are published.
func (a *Authority) published(file, suffix string, get func(name string) ([]byte, error)) ([]byte, error) {
	name, ok := strings.CutSuffix(file, "-TEST"+suffix)
	if _, known := specs()[name]; !ok || !known {
		return nil, fault.New(fault.NotFound, "", "no such file")
	}
	return get(name)
}

func (a *Authority) certificate(name string) ([]byte, error) {
	var der []byte
	err := a.locked(func() error {
		found, err := a.authority(name)
		if err == nil {
			der = found.cert.Raw
		}
		return err
	})
	return der, err
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
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(der) // the peer may be gone; nothing depends on it
	}
}
