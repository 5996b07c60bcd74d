package softcard_test

import (
	"bufio"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/egide-id/egide/internal/cardbridge/softcard"
)

// The exchanges of cps-card.md section 4, byte by byte. A transcript is lines
// "# comment", "> command", "< answer"; in an answer, ".. " and a number stands
// for that many bytes of any value (a signature, a certificate). Its name begins
// with the model of the card.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	must(t, err)
	if len(files) == 0 {
		t.Fatal("no transcripts")
	}
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".txt")
		t.Run(name, func(t *testing.T) { replay(t, path, newCard(t, strings.Split(name, "_")[0], softcard.Options{})) })
	}
}

func replay(t *testing.T, path string, e *softcard.Emulator) {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	defer func() { must(t, f.Close()) }()
	var command, answer string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		switch {
		case line == "# reset":
			e.Reset()
		case strings.HasPrefix(line, "> "):
			command = line[2:]
			answer = strings.ToUpper(hex.EncodeToString(e.Transmit(unhex(t, command))))
		case strings.HasPrefix(line, "< "):
			if !same(t, answer, line[2:]) {
				t.Errorf("%s\n answered %s\n want     %s", command, answer, line[2:])
			}
		}
	}
}

// same compares an answer with a line of a transcript.
func same(t *testing.T, answer, want string) bool {
	t.Helper()
	words := strings.Fields(want)
	for i := 0; i < len(words); i++ {
		next := words[i]
		if next == ".." {
			i++
			n := 0
			for _, d := range words[i] {
				n = n*10 + int(d-'0')
			}
			if len(answer) < 2*n {
				return false
			}
			answer = answer[2*n:]
			continue
		}
		if !strings.HasPrefix(answer, next) {
			return false
		}
		answer = answer[len(next):]
	}
	return answer == ""
}

func unhex(t tester, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	must(t, err)
	return b
}

func hexByte(b byte) string { return hex.EncodeToString([]byte{b}) }
