package igc

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// CardFile is a test card as a file: what an authority puts on a card and an
// emulator plays. It holds private keys of invented persons.
type CardFile struct {
	Model  string `json:"model"`  // cps3 | cps3-contactless | cps4
	Type   string `json:"type"`   // CPS | CPF | CPE | CPA | CDE, as printed
	Number string `json:"number"` // ten digits; the certificate carries "8025000001/" before them
	Holder string `json:"holder"` // national identifier, line 1 of the card (S-57)
	PIN    string `json:"pin"`
	PUK    string `json:"puk"`

	Authentication KeyPair `json:"authentication"`
	Signature      KeyPair `json:"signature"`
}

// KeyPair is a private key and its certificate, both PEM (PKCS #8, X.509).
type KeyPair struct {
	Key         string `json:"key"`
	Certificate string `json:"certificate"`
}

// maxCardFile bounds what is read: four RSA objects take 8 KiB.
const maxCardFile = 64 << 10

// LoadCard reads a card file.
func LoadCard(path string) (CardFile, error) {
	var c CardFile
	info, err := os.Stat(path)
	if err != nil {
		return c, fmt.Errorf("card file: %w", err)
	}
	if info.Size() > maxCardFile {
		return c, errors.New("card file: too large")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("card file: %w", err)
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("card file %s: %w", path, err)
	}
	return c, nil
}

// Save writes the card file for its owner alone.
func (c CardFile) Save(path string) error {
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("card file: %w", err)
	}
	return os.WriteFile(path, append(b, '\n'), 0o600)
}
