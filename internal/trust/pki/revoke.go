package pki

import (
	"crypto/x509"
	"encoding/hex"
	"math/big"
	"strings"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
)

// ledger is what the authority remembers of what it did.
type ledger struct {
	BaseURL string   `json:"base_url"`
	Drawn   uint64   `json:"drawn"` // serial numbers drawn
	Cards   uint64   `json:"cards"` // card numbers given
	Lists   int64    `json:"lists"` // number of the last CRL
	Issued  []issued `json:"issued"`
}

// issued is one line of the ledger.
type issued struct {
	Serial  string    `json:"serial"` // hex
	Issuer  string    `json:"issuer"` // short name, "ACI-FO-PP"
	Subject string    `json:"subject"`
	Ends    time.Time `json:"ends"`
	Revoked time.Time `json:"revoked,omitzero"`
	Reason  int       `json:"reason,omitempty"` // RFC 5280 5.3.1
}

func (l *ledger) enter(issuer string, c *x509.Certificate) {
	l.Issued = append(l.Issued, issued{
		Serial: hex.EncodeToString(c.SerialNumber.Bytes()), Issuer: issuer, Subject: c.Subject.CommonName, Ends: c.NotAfter,
	})
}

func (l *ledger) find(issuer, serial string) *issued {
	for i := range l.Issued {
		if l.Issued[i].Serial == serial && (issuer == "" || l.Issued[i].Issuer == issuer) {
			return &l.Issued[i]
		}
	}
	return nil
}

// Reasons of a revocation that have a name here (RFC 5280 5.3.1).
func Reasons() map[string]int {
	return map[string]int{"unspecified": 0, "key-compromise": 1, "affiliation-changed": 3, "superseded": 4, "cessation": 5}
}

// Revoke takes a certificate back from now on, by its serial number in hex, with
// or without colons. Errors: fault.NotFound, fault.Used when it was revoked before.
func (a *Authority) Revoke(serial string, reason int) error {
	return a.locked(func() error {
		found := a.ledger.find("", strings.ToLower(strings.ReplaceAll(serial, ":", "")))
		switch {
		case found == nil:
			return fault.New(fault.NotFound, "", "no certificate of this authority has that serial number")
		case !found.Revoked.IsZero():
			return fault.New(fault.Used, "", "the certificate was revoked before")
		}
		found.Revoked, found.Reason = a.Clock.Now().UTC().Truncate(time.Second), reason
		return nil
	})
}

// CRL signs the revocation list of an authority, by its short name (DER).
// Errors: fault.NotFound when it has issued nothing yet.
func (a *Authority) CRL(issuer string) ([]byte, error) {
	var der []byte
	err := a.locked(func() error {
		by, err := a.existing(issuer)
		if err != nil {
			return err
		}
		a.ledger.Lists++
		now := a.Clock.Now().UTC().Truncate(time.Second)
		template := &x509.RevocationList{
			Number: big.NewInt(a.ledger.Lists), ThisUpdate: now, NextUpdate: now.Add(listLife), SignatureAlgorithm: x509.SHA256WithRSA,
		}
		for _, line := range a.ledger.Issued {
			serial, ok := new(big.Int).SetString(line.Serial, 16)
			if ok && line.Issuer == issuer && !line.Revoked.IsZero() {
				template.RevokedCertificateEntries = append(template.RevokedCertificateEntries, x509.RevocationListEntry{
					SerialNumber: serial, RevocationTime: line.Revoked, ReasonCode: line.Reason,
				})
			}
		}
		der, err = x509.CreateRevocationList(nil, template, by.cert, by.key)
		if err != nil {
			return fault.Wrap(fault.Internal, "", "pki: revocation list", err)
		}
		return nil
	})
	return der, err
}

// Serial gives the serial number, in hex, of a PEM certificate.
func Serial(certificate string) (string, error) {
	cert, err := parse([]byte(certificate))
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(cert.SerialNumber.Bytes()), nil
}
