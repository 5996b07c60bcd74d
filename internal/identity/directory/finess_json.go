package directory

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/egide-id/egide/internal/platform/fault"
)

// The new flow of FINESS (FiNESS+), schema "structures" v1 (rpps-import.md
// 5.2): legal entities, each with its establishments. Groupings (gco, gcc) are
// counted and left aside: nothing asks for them yet.

type jsonLegal struct {
	General struct {
		ID       string `json:"numFinessPm"`
		Name     string `json:"denominationPm"`
		LongName string `json:"denominationLonguePmSmsse"`
		SIREN    string `json:"siren"`
		Opened   string `json:"dateCreation"`
		ClosedOn string `json:"dateFermeture"`
	} `json:"informationsGeneralesPMEJ"` // field names match whatever their case
	State   string                 `json:"etatObjet"`
	Address oneOrMore[jsonAddress] `json:"adresse"`
	Contact oneOrMore[jsonContact] `json:"contact"`
	Sites   []jsonSite             `json:"ege"`
}

type jsonSite struct {
	General struct {
		ID       string `json:"numFinessEge"`
		Name     string `json:"nomEgeCourt"`
		LongName string `json:"nomEgeLong"`
		SIRET    string `json:"siret"`
		Opened   string `json:"dateOuverture"`
		ClosedOn string `json:"dateFermeture"`
	} `json:"informationsGeneralesEGE"`
	SIRET    string                 `json:"siret"`
	Category string                 `json:"categorieEntiteGeographiqueExercice"`
	State    string                 `json:"etatObjet"`
	Address  oneOrMore[jsonAddress] `json:"adresse"`
	Contact  oneOrMore[jsonContact] `json:"contact"`
}

// oneOrMore reads a list, or the one element of a list written alone.
type oneOrMore[T any] []T

// UnmarshalJSON implements json.Unmarshaler.
func (l *oneOrMore[T]) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		*l = make([]T, 1)
		return json.Unmarshal(b, &(*l)[0])
	}
	return json.Unmarshal(b, (*[]T)(l))
}

type jsonAddress struct {
	Number     string `json:"numeroVoie"`
	StreetType string `json:"typeVoie"`
	Street     string `json:"libelleVoie"`
	Complement string `json:"complementVoie"`
	PostalCode string `json:"codePostal"`
	Commune    string `json:"cogCommune"`
	Line       string `json:"ligneAcheminement"`
}

type jsonContact struct {
	Telecom struct {
		Phone string `json:"telephone"`
	} `json:"telecom"`
}

// readFINESSJSON streams the document: one legal entity in memory at a time.
// taken is called after each entity, so that out stays small.
func readFINESSJSON(in io.Reader, out *batch, taken func() error) error {
	d := json.NewDecoder(in)
	if err := expect(d, json.Delim('{')); err != nil {
		return err
	}
	entities := false
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return badJSON(err)
		}
		if name == "pmej" {
			entities = true
			err = eachLegal(d, out, taken)
		} else {
			err = skipMember(d, fmt.Sprint(name), out)
		}
		if err != nil {
			return err
		}
	}
	if err := expect(d, json.Delim('}')); err != nil {
		return err
	}
	if !entities {
		return fault.New(fault.Invalid, "", "the JSON document holds no legal entities (pmej): it is not a FINESS file")
	}
	return nil
}

func eachLegal(d *json.Decoder, out *batch, taken func() error) error {
	if err := expect(d, json.Delim('[')); err != nil {
		return err
	}
	var scratch []byte
	for d.More() {
		var legal jsonLegal
		if err := d.Decode(&legal); err != nil {
			return badJSON(err)
		}
		scratch = legal.add(scratch, out)
		if err := taken(); err != nil {
			return err
		}
	}
	return expect(d, json.Delim(']'))
}

func (l *jsonLegal) add(scratch []byte, out *batch) []byte {
	g := &l.General
	entities := []Entity{{
		ID: g.ID, Legal: true, Name: g.Name, LongName: g.LongName, Number: g.SIREN, Opened: g.Opened, ClosedOn: g.ClosedOn,
		Inactive: inactive(l.State, g.ClosedOn), Address: firstAddress(l.Address), Phone: firstPhone(l.Contact),
	}}
	for i := range l.Sites {
		s := &l.Sites[i]
		siret := s.General.SIRET
		if siret == "" {
			siret = s.SIRET
		}
		entities = append(entities, Entity{
			ID: s.General.ID, Parent: g.ID, Name: s.General.Name, LongName: s.General.LongName, Category: s.Category, Number: siret,
			Opened: s.General.Opened, ClosedOn: s.General.ClosedOn, Inactive: inactive(s.State, s.General.ClosedOn),
			Address: firstAddress(s.Address), Phone: firstPhone(s.Contact),
		})
	}
	for i := range entities {
		e := &entities[i]
		out.facts.rows++
		if !validFINESS(e.ID) {
			out.facts.lines = out.facts.rows // a JSON record has a rank, not a line
			out.facts.badLine("malformed FINESS number")
			continue
		}
		scratch = appendEntity(scratch[:0], e)
		out.add(e.source(), e.ID, scratch)
	}
	out.facts.lines = out.facts.rows
	return scratch
}

// inactive: TRE_R386, A actif, I inactif.
func inactive(state, closedOn string) bool { return state != "" && state != "A" || closedOn != "" }

func firstAddress(list []jsonAddress) EntityAddress {
	if len(list) == 0 {
		return EntityAddress{}
	}
	a := list[0]
	department := ""
	if len(a.Commune) >= 2 {
		department = a.Commune[:2]
	}
	return EntityAddress{
		Number: a.Number, StreetType: a.StreetType, Street: a.Street, Complement: a.Complement,
		PostalCode: a.PostalCode, Commune: a.Commune, Department: department, Line: a.Line,
	}
}

func firstPhone(list []jsonContact) string {
	if len(list) == 0 {
		return ""
	}
	return list[0].Telecom.Phone
}

// skipMember reads over a member we do not use, counting what a list held.
func skipMember(d *json.Decoder, name string, out *batch) error {
	var ignored json.RawMessage
	token, err := d.Token()
	if err != nil {
		return badJSON(err)
	}
	if token != json.Delim('[') {
		if token == json.Delim('{') {
			return skipObject(d)
		}
		return nil
	}
	for d.More() {
		if err := d.Decode(&ignored); err != nil {
			return badJSON(err)
		}
		out.facts.skip(clip(name))
	}
	return expect(d, json.Delim(']'))
}

func skipObject(d *json.Decoder) error {
	var ignored json.RawMessage
	for d.More() {
		if _, err := d.Token(); err != nil {
			return badJSON(err)
		}
		if err := d.Decode(&ignored); err != nil {
			return badJSON(err)
		}
	}
	return expect(d, json.Delim('}'))
}

func expect(d *json.Decoder, want json.Delim) error {
	token, err := d.Token()
	if err != nil {
		return badJSON(err)
	}
	if token != want {
		return fault.New(fault.Invalid, "", "the JSON document has not the shape of a FINESS file")
	}
	return nil
}

func badJSON(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fault.Wrap(fault.Invalid, "", "the JSON document ends too early: the file is truncated", err)
	}
	return fault.Wrap(fault.Invalid, "", "the JSON document cannot be read", err)
}
