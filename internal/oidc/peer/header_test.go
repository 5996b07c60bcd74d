package peer

import (
	"encoding/base64"
	"strings"
	"testing"
)

func TestCA6CertificateFromAProxy(t *testing.T) {
	leaf := certified(t, nil, "logiciel", nil).cert
	text := base64.StdEncoding.EncodeToString(leaf.Raw)
	for _, good := range []string{":" + text + ":", " :" + text + ": "} {
		if got, err := ReadHeader([]string{good}); err != nil || !got.Equal(leaf) {
			t.Errorf("%v", err)
		}
	}
	if got, err := ReadHeader(nil); got != nil || err != nil {
		t.Errorf("nothing: %v %v", got, err)
	}
	for attack, values := range map[string][]string{
		"two fields":          {":" + text + ":", ":" + text + ":"},
		"a list":              {":" + text + ":, :" + text + ":"},
		"with a parameter":    {":" + text + ":;x=1"},
		"bare":                {text},
		"one colon":           {":" + text},
		"a single colon":      {":"},
		"empty":               {"::"},
		"no field":            {""},
		"base64url":           {":" + base64.URLEncoding.EncodeToString(leaf.Raw) + "-:"},
		"broken":              {":" + text[:40] + "\n" + text[40:] + ":"},
		"PEM":                 {"-----BEGIN CERTIFICATE-----" + text + "-----END CERTIFICATE-----"},
		"something behind it": {":" + base64.StdEncoding.EncodeToString(append(leaf.Raw[:len(leaf.Raw):len(leaf.Raw)], 0)) + ":"},
		"very long":           {":" + strings.Repeat("A", maxHeader) + ":"},
	} {
		if got, err := ReadHeader(values); err == nil {
			t.Errorf("%s: %v", attack, got.Subject)
		}
	}
}

func FuzzReadHeader(f *testing.F) {
	f.Add(":AAAA:", "x")
	f.Add("::", "")
	f.Fuzz(func(t *testing.T, one, two string) {
		if got, err := ReadHeader([]string{one}); (got == nil) == (err == nil) {
			t.Fatalf("%v %v", got, err)
		}
		if _, err := ReadHeader([]string{one, two}); err == nil {
			t.Fatal("two fields are one certificate")
		}
	})
}
