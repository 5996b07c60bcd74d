package directory

// source is a kind of file. Each person's record keeps what each source says
// of him apart from the others.
type source uint8

// The sources. Their values are stored: add at the end, never renumber.
const (
	sourcePublic      source = iota // PS_LibreAcces_Personne_activite
	sourceRestricted                // Extraction_ProSanteConnect_Personne_activite
	sourceExpertise                 // PS_LibreAcces_SavoirFaire
	sourceIdentifiers               // our own file of alternative identifiers
	sourceSites                     // FINESS establishments (EG)
	sourceLegal                     // FINESS legal entities (EJ)
	sourceCount
)

// String names the source as reports do.
func (s source) String() string {
	names := [...]string{"public", "restricted", "savoir-faire", "identifiers", "finess-sites", "finess-legal"}
	if int(s) < len(names) {
		return names[s]
	}
	return "unknown"
}

// table is where the records of the source are.
func (s source) table() string {
	if s == sourceSites || s == sourceLegal {
		return tableEntities
	}
	return tablePersons
}

// cumulative sources say what they know; being absent from one means nothing.
func (s source) cumulative() bool { return s == sourceIdentifiers }

// Tables of the register file.
const (
	tablePersons  = "person"
	tableEntities = "entity"
	tableAliases  = "alias"
)
