package main

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/means/cps"
)

const (
	example = "../../deploy/card-bridge/config.example.yaml"
	guide   = "../../docs/guides/card-bridge.md"
)

func text(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	must(t, err)
	return string(b)
}

// keysOf lists the keys of a part of the configuration.
func keysOf(part any) []string {
	var keys []string
	for of, i := reflect.TypeOf(part), 0; i < of.NumField(); i++ {
		keys = append(keys, of.Field(i).Tag.Get("yaml"))
	}
	return keys
}

// Who installs the bridge has the example and the guide, not the source.
func TestEveryKeyIsDocumented(t *testing.T) {
	shown, explained := text(t, example), text(t, guide)
	for _, key := range append(keysOf(settings{}), keysOf(providerFrom{})...) {
		if !regexp.MustCompile(`(?m)^[ #-]*` + key + `:`).MatchString(shown) {
			t.Errorf("the example has no %q", key)
		}
		if !strings.Contains(explained, "`"+key) && !strings.Contains(explained, "[]."+key+"`") {
			t.Errorf("the guide does not explain %q", key)
		}
	}
}

// A code that the guide explains is one that pages can show.
func TestGuideNamesRealCodes(t *testing.T) {
	known := map[string]bool{cps.CodePermission: true, cps.CodeNoBridge: true}
	for _, e := range cps.BridgeErrors() {
		known[e.Code()] = true
	}
	for _, code := range regexp.MustCompile(`PF-CA-\d{3}`).FindAllString(text(t, guide), -1) {
		if !known[code] {
			t.Errorf("the guide names %s, which no bridge brings about", code)
		}
	}
}

// The package holds what the guide and the unit name.
func TestPackageHoldsWhatItsPartsName(t *testing.T) {
	packed := text(t, "../../deploy/card-bridge/nfpm.yaml")
	named := regexp.MustCompile(`/usr/(bin|share/doc)/[a-z./-]+[a-z]`)
	for _, file := range []string{guide, "../../deploy/card-bridge/card-bridge.service"} {
		for _, path := range named.FindAllString(text(t, file), -1) {
			if !strings.Contains(packed, "dst: "+path+"\n") {
				t.Errorf("%s names %s, which the package does not bring", file, path)
			}
		}
	}
}
