package admin

import (
	"crypto/x509"
	"net/http"
	"slices"
	"strings"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/audit"
)

// Role is what an operator may do.
type Role int

// The roles; each may what those before it may.
const (
	Nobody Role = iota
	Reader
	Registrar
)

// ParseRole reads a role as the configuration writes it.
func ParseRole(s string) (Role, bool) {
	switch s {
	case "reader":
		return Reader, true
	case "registrar":
		return Registrar, true
	}
	return Nobody, false
}

// Operators knows who may by what his certificate says: the whole subject
// ("CN=Anna Essai,O=Hébergeur"), or one alternative name ("dns:", "email:",
// "uri:" and the name). The keys of the map are such texts.
type Operators map[string]Role

// of finds the operator of a certificate. The alternative names are tried as
// well; of several matches the least counts, so that no spelling adds a right.
func (o Operators) of(cert *x509.Certificate) (string, Role) {
	names := []string{cert.Subject.String()}
	for _, n := range cert.DNSNames {
		names = append(names, "dns:"+n)
	}
	for _, n := range cert.EmailAddresses {
		names = append(names, "email:"+n)
	}
	for _, u := range cert.URIs {
		names = append(names, "uri:"+u.String())
	}
	name, least := "", Nobody
	for _, n := range names {
		if role, ok := o[n]; ok && (least == Nobody || role < least) {
			name, least = n, role
		}
	}
	return name, least
}

// who names the operator behind a request. Only the leaf of a chain that TLS has
// verified counts, never another certificate that the peer sent along, and never
// a header.
func (a *API) who(r *http.Request, least Role) (string, error) {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 || len(r.TLS.VerifiedChains[0]) == 0 {
		a.Failures(r.Context(), audit.Failure{Kind: audit.FailureOperator, Code: codeWho})
		return "", fault.New(fault.Denied, codeWho, "this listener answers certificates of operators only")
	}
	cert := r.TLS.VerifiedChains[0][0]
	name, role := a.Operators.of(cert)
	if role == Nobody || !slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageClientAuth) {
		a.Failures(r.Context(), audit.Failure{Kind: audit.FailureOperator, Code: codeWho})
		return "", fault.New(fault.Denied, codeWho, "this certificate is no operator's")
	}
	if role < least {
		a.Failures(r.Context(), audit.Failure{Kind: audit.FailureOperator, Code: codeRole})
		return "", fault.New(fault.Denied, codeRole, "this operator may read, not change")
	}
	if len(name) > 200 {
		name = strings.ToValidUTF8(name[:200], "")
	}
	return name, nil
}
