package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/means/cps"
	"github.com/egide-id/egide/internal/platform/clock"
)

const keySet = `{"keys":[{"kty":"EC","crv":"P-256","kid":"k1","alg":"ES256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}`

// examined is what a doctor says, in one language.
func examined(t *testing.T, french bool, examine func(d *doctor)) (said string, faults int) {
	t.Helper()
	var out strings.Builder
	d := &doctor{app: &app{Ctx: t.Context(), Out: &out, Clock: clock.System{}, French: french}}
	examine(d)
	must(t, d.err)
	return out.String(), d.faults
}

// Keys that the bridge could not use are found before a holder meets them.
func TestDoctorTriesTheKeys(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		good   bool
	}{
		"keys":             {http.StatusOK, keySet, true},
		"a page instead":   {http.StatusOK, "<html>proxy</html>", false},
		"no key":           {http.StatusOK, `{"keys":[]}`, false},
		"not there":        {http.StatusNotFound, keySet, false},
		"sent elsewhere":   {http.StatusFound, keySet, false},
		"a flood":          {http.StatusOK, strings.Repeat(" ", maxKeySet) + keySet, false},
		"a private key":    {http.StatusOK, `{"keys":[{"kty":"oct","kid":"k","k":"c2VjcmV0"}]}`, false},
		"keys for nothing": {http.StatusOK, strings.Replace(keySet, "ES256", "ES384", 1), false},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			if r.URL.Path != "/elsewhere" { // good keys stand there: they must not be fetched
				w.WriteHeader(c.status)
			}
			_, _ = w.Write([]byte(c.body)) // the doctor stops reading a flood
		}))
		s := settings{Providers: []providerFrom{{Origin: "https://login.example", JWKSURL: server.URL}}}
		said, faults := examined(t, false, func(d *doctor) { d.providers(s) })
		server.Close()
		if c.good != (faults == 0) || !strings.Contains(said, "https://login.example") {
			t.Errorf("%s: %d faults, %s", name, faults, said)
		}
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

func TestDoctorNamesAMissingKeyFile(t *testing.T) {
	s := settings{Providers: []providerFrom{{Origin: "https://login.example", JWKSFile: filepath.Join(t.TempDir(), "keys.json")}}}
	said, faults := examined(t, true, func(d *doctor) { d.providers(s) })
	if faults != 1 || !strings.Contains(said, "!!  Pages de connexion: les clés de https://login.example ne servent pas") || !strings.Contains(said, "keys.json") {
		t.Error(said)
	}
}

// listening serves on a loopback port until the test ends.
func listening(t *testing.T, answer string) int {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(answer)) // who asked may have gone
	}))
	t.Cleanup(func() {
		server.Close()
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	})
	address, ok := server.Listener.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatal("no TCP")
	}
	return address.Port
}

// A bridge on the port is told from another program that squats it.
func TestDoctorLooksAtThePorts(t *testing.T) {
	bridge := listening(t, fmt.Sprintf(`{"error":%q}`, cps.OriginNotAllowed))
	squatter := listening(t, "hello")
	for name, c := range map[string]struct {
		ports  []int
		french bool
		want   string
		faults int
	}{
		"free":                     {[]int{0}, false, "is free: start “card-bridge run”", 0},
		"free, in French":          {[]int{0}, true, "libre : démarrez « card-bridge run »", 0},
		"a bridge":                 {[]int{bridge}, false, fmt.Sprintf("a bridge answers on %d", bridge), 0},
		"a squatter":               {[]int{squatter}, false, "other programs hold every port", 1},
		"a squatter, in French":    {[]int{squatter}, true, "d'autres programmes occupent tous les ports", 1},
		"a bridge behind somebody": {[]int{squatter, bridge}, false, fmt.Sprintf("a bridge answers on %d", bridge), 0},
	} {
		said, faults := examined(t, c.french, func(d *doctor) { d.ports(settings{Ports: c.ports}) })
		if faults != c.faults || !strings.Contains(said, c.want) {
			t.Errorf("%s: %d faults, %s", name, faults, said)
		}
	}
}

func TestDoctorLooksForTheWindow(t *testing.T) {
	ourselves, err := os.Executable()
	must(t, err)
	if said, faults := examined(t, false, func(d *doctor) { d.window(settings{Pinentry: ourselves}) }); faults != 0 {
		t.Error(said)
	}
	t.Setenv("PATH", t.TempDir())
	if said, faults := examined(t, true, func(d *doctor) { d.window(settings{}) }); faults != 1 || !strings.Contains(said, "pinentry-gtk2") {
		t.Error(said)
	}
}

// A configuration that is refused is a finding too, and the last one.
func TestDoctorStopsAtARefusedConfiguration(t *testing.T) {
	for lang, want := range map[string]string{"fr_FR.UTF-8": "corrigez le fichier", "C": "correct the file"} {
		t.Setenv("LC_ALL", lang)
		var out, complaints strings.Builder
		code := run(t.Context(), []string{"doctor", "--config", filepath.Join(t.TempDir(), "none.yaml")}, &out, &complaints)
		if code != 1 || !strings.Contains(out.String(), want) || strings.Contains(out.String(), "ok ") {
			t.Errorf("%s: exit %d, %s%s", lang, code, out.String(), complaints.String())
		}
	}
}

// What is typed moves the card; at the end of the input it stays.
func TestSoftcardReadsOrdersFromItsInput(t *testing.T) {
	var got []string
	for line := range lines(t.Context(), strings.NewReader(" remove \ninsert\n\nquit\n")) {
		got = append(got, line)
	}
	if strings.Join(got, ",") != "remove,insert,,quit" {
		t.Error(got)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	for range lines(ctx, strings.NewReader("remove\nremove\nremove\n")) { // ends, whoever reads or not
	}
}
