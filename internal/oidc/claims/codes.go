package claims

// Code systems as they stand on the wire (pro-sante-connect.md 2.1). They
// belong to the claims; rpps.Code keeps the nomenclature's own.
const (
	oidSector     = "^1.2.250.1.71.4.2.4"
	oidProfession = "^1.2.250.1.213.1.1.5.5"
	oidLevel      = "^1.2.250.1.213.1.5.1.1.1"
	oidPSI        = "1.2.250.1.213.1.3.1.1"
)

// Constants of every recorded answer.
const (
	uitVersion        = "1.0"
	noMedicalDispatch = "FAUX" // Acces_Regulation_Medicale
)
