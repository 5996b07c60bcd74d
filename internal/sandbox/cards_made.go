package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/egide-id/egide/internal/platform/fault"
	"github.com/egide-id/egide/internal/trust/igc"
	"github.com/egide-id/egide/internal/trust/pki"
)

// card gives the card of a persona. Its two RSA keys take a quarter of a
// second, so that it is made when somebody first wants it, and kept.
func (c *Cards) card(who Persona) (igc.CardFile, error) {
	c.making.Lock()
	defer c.making.Unlock()
	if file, ok := c.made[who.Key]; ok {
		return file, nil
	}
	path := filepath.Join(c.deps.Dir, fileName(who))
	file, err := igc.LoadCard(path)
	if errors.Is(err, os.ErrNotExist) {
		file, err = c.manufacture(who, path)
	}
	if err != nil {
		return igc.CardFile{}, err
	}
	c.made[who.Key] = file
	return file, nil
}

func fileName(who Persona) string { return who.Key + ".json" }

func (c *Cards) manufacture(who Persona, path string) (igc.CardFile, error) {
	o, err := order(who, c.deps.Clock.Now())
	if err != nil {
		return igc.CardFile{}, err
	}
	file, err := c.deps.Authority.IssueCard(o)
	if err != nil {
		return file, err
	}
	if who.Behaviour == CardRevoked {
		if err := c.revoke(file); err != nil {
			return file, err
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return file, fmt.Errorf("cards: %w", err)
	}
	return file, file.Save(path)
}

func (c *Cards) revoke(file igc.CardFile) error {
	serial, err := pki.Serial(file.Authentication.Certificate)
	if err != nil {
		return err
	}
	return c.deps.Authority.Revoke(serial, pki.Reasons()["cessation"])
}

// order is what the authority is asked to print and certify (S-50 to S-57).
func order(who Persona, now time.Time) (pki.CardOrder, error) {
	practice := who.Person.Practices[0]
	o := pki.CardOrder{
		Type: who.Card.Type, Model: who.Card.Model, Holder: who.Login, Family: who.Person.FamilyName, Given: practice.GivenName,
	}
	if who.Behaviour == CardExpired {
		o.NotBefore, o.NotAfter = now.AddDate(-3, 0, -1), now.AddDate(0, 0, -1)
	}
	if who.Card.Type == "CPS" || who.Card.Type == "CPF" {
		code, err := strconv.Atoi(practice.Profession)
		if err != nil {
			return o, fault.Wrap(fault.Internal, "", "persona "+who.Key+" has no profession for a card", err)
		}
		o.Title, o.Profession = practice.ProfessionLabel(), code
		return o, nil
	}
	employer := practice.WorkSituations[0].Structure
	o.Structure, o.Organisation, o.Department = employer.FormerID, employer.Name, "Ville fictive (99)"
	return o, nil
}

// Save makes every card and writes its file into a folder, for a virtual reader
// elsewhere (card-bridge softcard).
func (c *Cards) Save(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("cards: %w", err)
	}
	for _, p := range Personas() {
		if p.Card.Type == "" {
			continue
		}
		file, err := c.card(p)
		if err != nil {
			return err
		}
		if err := file.Save(filepath.Join(dir, fileName(p))); err != nil {
			return fmt.Errorf("cards: %w", err)
		}
	}
	return nil
}
