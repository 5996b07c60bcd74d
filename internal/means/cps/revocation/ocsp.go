package revocation

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha1" //nolint:gosec // RFC 6960 4.1.1 names certificates by SHA-1; nothing is signed with it
	"crypto/subtle"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	"net/http"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/fault"
)

// askResponder makes one OCSP request (RFC 6960) with a nonce (RFC 9654).
func (c *Checker) askResponder(ctx context.Context, cert *x509.Certificate, issuer cps.TrustedIssuer) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, ocspDeadline)
	defer cancel()
	nonce := make([]byte, 16)
	if _, err := io.ReadFull(c.Rand, nonce); err != nil {
		return answer{}, err
	}
	query, err := request(cert, issuer.Issuer, nonce)
	if err != nil {
		return answer{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, issuer.OCSP, bytes.NewReader(query))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/ocsp-request")
	req.Header.Set("Accept", "application/ocsp-response")
	res, err := c.HTTP.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }() // read to its end or not at all
	if res.StatusCode != http.StatusOK {
		return answer{}, fault.New(fault.Unavailable, "", "responder answered "+res.Status)
	}
	body, err := read(res.Body, maxOCSP)
	if err != nil {
		return answer{}, err
	}
	return weigh(body, cert, issuer.Issuer, nonce, c.Clock.Now())
}

// oidNonce is RFC 9654 section 2.1.
var oidNonce = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}

// request adds the nonce to a request: golang.org/x/crypto/ocsp has no place for it.
func request(cert, issuer *x509.Certificate, nonce []byte) ([]byte, error) {
	plain, err := ocsp.CreateRequest(cert, issuer, &ocsp.RequestOptions{Hash: crypto.SHA1})
	if err != nil {
		return nil, err
	}
	var outer struct{ TBS struct{ List asn1.RawValue } }
	if _, err := asn1.Unmarshal(plain, &outer); err != nil {
		return nil, err
	}
	value, err := asn1.Marshal(nonce)
	if err != nil {
		return nil, err
	}
	type tbs struct {
		List       asn1.RawValue
		Extensions []pkix.Extension `asn1:"tag:2,explicit"`
	}
	return asn1.Marshal(struct{ TBS tbs }{tbs{List: outer.TBS.List, Extensions: []pkix.Extension{{Id: oidNonce, Value: value}}}})
}

// weigh judges an answer: signed by the authority or by a delegate of its own,
// about this certificate, fresh, and made for this question if it says so. What
// a responder says without a nonce may be replayed for as long as it says that
// it holds, as a list may.
func weigh(body []byte, cert, issuer *x509.Certificate, nonce []byte, now time.Time) (answer, error) {
	bad := func(why string) (answer, error) {
		return answer{}, fault.New(fault.Unavailable, "", "OCSP answer: "+why)
	}
	r, err := ocsp.ParseResponseForCert(body, cert, issuer)
	if err != nil {
		return answer{}, err
	}
	if !strong(r.SignatureAlgorithm) {
		return bad("signed with an unknown or weak algorithm")
	}
	if r.Certificate != nil && !bytes.Equal(r.Certificate.Raw, issuer.Raw) && !delegate(r.Certificate, issuer, now) {
		return bad("signed by no responder of this authority")
	}
	d, err := readDetails(r.TBSResponseData)
	if err != nil {
		return answer{}, err
	}
	echoed := d.nonce()
	switch {
	case !d.about(cert, issuer):
		return bad("about another certificate")
	case d.unread():
		return bad("with rules that are not understood")
	case echoed != nil && subtle.ConstantTimeCompare(echoed, nonce) != 1:
		return bad("made for another question")
	case echoed == nil && r.NextUpdate.IsZero() && now.After(r.ThisUpdate.Add(answerLife+skew)):
		return bad("without nonce nor end, and old") // a replay
	case r.ThisUpdate.After(now.Add(skew)) || !r.NextUpdate.IsZero() && now.After(r.NextUpdate.Add(skew)):
		return bad("not of this time")
	}
	switch r.Status {
	case ocsp.Good:
		return answer{until: until(now, r.NextUpdate)}, nil
	case ocsp.Revoked:
		return answer{revoked: true, until: until(now, r.NextUpdate)}, nil
	}
	return answer{}, errUnknown
}

// errUnknown is an authority that speaks, and knows nothing of a certificate
// that bears its signature (RFC 6960 section 2.2).
var errUnknown = fault.New(fault.Unavailable, "", "OCSP answer: the authority does not know the certificate")

// delegate holds RFC 6960 section 4.2.2.2: issued by the very authority, for
// OCSP alone, and valid now. Without the key usage any card holder could answer
// for his own card.
func delegate(c, issuer *x509.Certificate, now time.Time) bool {
	return bytes.Equal(c.RawIssuer, issuer.RawSubject) && c.CheckSignatureFrom(issuer) == nil &&
		slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning) && !c.IsCA &&
		!now.Before(c.NotBefore) && !now.After(c.NotAfter)
}

// details is what golang.org/x/crypto/ocsp does not give: which certificate by
// its issuer's hashes, and the nonce (RFC 6960 section 4.2.1).
type details struct {
	Version     int `asn1:"optional,default:0,explicit,tag:0"`
	ResponderID asn1.RawValue
	ProducedAt  time.Time `asn1:"generalized"`
	Responses   []single
	Extensions  []pkix.Extension `asn1:"explicit,tag:1,optional"`
}

type single struct {
	ID struct {
		Hash          pkix.AlgorithmIdentifier
		NameHash      []byte
		IssuerKeyHash []byte
		Serial        asn1.RawValue
	}
	// Status, dates and extensions follow; the library has read them.
}

func readDetails(tbs []byte) (details, error) {
	var d details
	rest, err := asn1.Unmarshal(tbs, &d)
	if err == nil && len(rest) > 0 {
		err = fault.New(fault.Unavailable, "", "OCSP answer: trailing data")
	}
	return d, err
}

// about tells whether the answer that the library weighed, the first with the
// serial number, names the certificate under its own issuer: a responder may
// speak for several authorities, whose serial numbers may meet.
func (d details) about(cert, issuer *x509.Certificate) bool {
	name := sha1.Sum(issuer.RawSubject) //nolint:gosec // as above
	var key struct {
		Algorithm pkix.AlgorithmIdentifier
		Bits      asn1.BitString
	}
	if _, err := asn1.Unmarshal(issuer.RawSubjectPublicKeyInfo, &key); err != nil {
		return false
	}
	hash := sha1.Sum(key.Bits.RightAlign()) //nolint:gosec // as above
	serial, err := asn1.Marshal(cert.SerialNumber)
	if err != nil {
		return false
	}
	first := slices.IndexFunc(d.Responses, func(s single) bool { return bytes.Equal(s.ID.Serial.FullBytes, serial) })
	return first >= 0 && bytes.Equal(d.Responses[first].ID.NameHash, name[:]) && bytes.Equal(d.Responses[first].ID.IssuerKeyHash, hash[:])
}

// unread tells of a critical extension of the whole answer that is not the nonce.
func (d details) unread() bool {
	return slices.ContainsFunc(d.Extensions, func(e pkix.Extension) bool { return e.Critical && !e.Id.Equal(oidNonce) })
}

func (d details) nonce() []byte {
	for _, e := range d.Extensions {
		if !e.Id.Equal(oidNonce) {
			continue
		}
		var n []byte
		if rest, err := asn1.Unmarshal(e.Value, &n); err != nil || len(rest) > 0 || n == nil {
			return []byte{} // there, and nobody's
		}
		return n
	}
	return nil
}
