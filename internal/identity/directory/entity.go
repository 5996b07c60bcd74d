package directory

import "strconv"

// Entity is a legal entity (EJ) or an establishment (EG) of FINESS.
type Entity struct {
	ID        string // FINESS number, nine characters, not all digits
	Legal     bool   // EJ rather than EG
	Parent    string // the EJ of an EG
	Name      string
	LongName  string
	Category  string // TRE_R66, of an EG
	Number    string // SIREN of an EJ, SIRET of an EG
	Address   EntityAddress
	Phone     string
	Opened    string // yyyy-mm-dd
	ClosedOn  string // yyyy-mm-dd, empty while open
	Inactive  bool   // stated inactive, or closed on a date
	Withdrawn bool   // absent from the last two files
}

// EntityAddress is an address as FINESS keeps it.
type EntityAddress struct {
	Number, StreetType, Street, Complement string
	PostalCode, Commune, Department, Line  string
}

// appendEntity packs everything but the key.
func appendEntity(dst []byte, e *Entity) []byte {
	a := &e.Address
	for _, s := range [...]string{
		e.Parent, e.Name, e.LongName, e.Category, e.Number, e.Phone, e.Opened, e.ClosedOn, strconv.FormatBool(e.Inactive),
		a.Number, a.StreetType, a.Street, a.Complement, a.PostalCode, a.Commune, a.Department, a.Line,
	} {
		dst = appendString(dst, s)
	}
	return dst
}

func readEntity(packed string, e *Entity) error {
	a := &e.Address
	inactive := ""
	for _, s := range [...]*string{
		&e.Parent, &e.Name, &e.LongName, &e.Category, &e.Number, &e.Phone, &e.Opened, &e.ClosedOn, &inactive,
		&a.Number, &a.StreetType, &a.Street, &a.Complement, &a.PostalCode, &a.Commune, &a.Department, &a.Line,
	} {
		var err error
		if *s, packed, err = cutString(packed); err != nil {
			return err
		}
	}
	e.Inactive = inactive == "true"
	if packed != "" {
		return errDamaged()
	}
	return nil
}

func (e *Entity) source() source {
	if e.Legal {
		return sourceLegal
	}
	return sourceSites
}

// validFINESS: nine letters or digits; neither digits alone nor a key are
// required (pro-sante-connect.md 3.2).
func validFINESS(s string) bool {
	const length = 9
	if len(s) != length {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}
