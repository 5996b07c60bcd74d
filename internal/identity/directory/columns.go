package directory

import "github.com/egide-id/egide/internal/identity/rpps"

// column is a column of the register as this package keeps it: the 50
// positions of the restricted extract that feeds PSC (rpps-import.md 2.4). The
// public extract fills those it has.
type column int

// The 50 positions, in the restricted extract's order.
const (
	colIDType column = iota
	colIDNumber
	colNationalID
	colFamilyName
	colGivenNames
	colBirthDate
	colBirthCommune
	colBirthCountry
	colBirthPlace
	colSex
	colPersonPhone
	colPersonMail
	colCivility
	colProfession
	colCategory
	colPracticeCivility
	colPracticeName
	colPracticeGivenName
	colExpertiseType
	colExpertise
	colMode
	colSector
	colPharmacistSection
	colRole
	colSiret
	colSiren
	colFinessSite
	colFinessLegal
	colTechnicalID
	colStructureName
	colTradeName
	colRecipient
	colGeoPoint
	colStreetNumber
	colRepeatIndex
	colStreetType
	colStreet
	colDistribution
	colCedex
	colPostalCode
	colCommune
	colCountry
	colPhone
	colPhone2
	colFax
	colMail
	colDepartment
	colFormerID
	colAuthority
	colGenre
	columnCount
	// colIgnored is a known column that holds nothing a code does not say.
	colIgnored column = -1
	// colUnknown is a column added to the file since this program was written.
	colUnknown column = -2
)

// named is one column of a file: its header and where its cells go.
type named struct {
	header string
	column column
}

// restrictedColumns is the header of Extraction_ProSanteConnect_Personne_activite.
func restrictedColumns() []named {
	return []named{
		{"Type d'identifiant PP", colIDType},
		{"Identifiant PP", colIDNumber},
		{"Identification nationale PP", colNationalID},
		{"Nom de famille", colFamilyName},
		{"Prénoms", colGivenNames},
		{"Date de naissance", colBirthDate},
		{"Code commune de naissance", colBirthCommune},
		{"Code pays de naissance", colBirthCountry},
		{"Lieu de naissance", colBirthPlace},
		{"Code sexe", colSex},
		{"Téléphone (coord. correspondance)", colPersonPhone},
		{"Adresse e-mail (coord. correspondance)", colPersonMail},
		{"Code civilité", colCivility},
		{"Code profession", colProfession},
		{"Code catégorie professionnelle", colCategory},
		{"Code civilité d'exercice", colPracticeCivility},
		{"Nom d'exercice", colPracticeName},
		{"Prénom d'exercice", colPracticeGivenName},
		{"Code type savoir-faire", colExpertiseType},
		{"Code savoir-faire", colExpertise},
		{"Code mode exercice", colMode},
		{"Code secteur d'activité", colSector},
		{"Code section tableau pharmaciens", colPharmacistSection},
		{"Code rôle", colRole},
		{"Numéro SIRET site", colSiret},
		{"Numéro SIREN site", colSiren},
		{"Numéro FINESS site", colFinessSite},
		{"Numéro FINESS établissement juridique", colFinessLegal},
		{"Identifiant technique de la structure", colTechnicalID},
		{"Raison sociale site", colStructureName},
		{"Enseigne commerciale site", colTradeName},
		{"Complément destinataire (coord. structure)", colRecipient},
		{"Complément point géographique (coord. structure)", colGeoPoint},
		{"Numéro Voie (coord. structure)", colStreetNumber},
		{"Indice répétition voie (coord. structure)", colRepeatIndex},
		{"Code type de voie (coord. structure)", colStreetType},
		{"Libellé Voie (coord. structure)", colStreet},
		{"Mention distribution (coord. structure)", colDistribution},
		{"Bureau cedex (coord. structure)", colCedex},
		{"Code postal (coord. structure)", colPostalCode},
		{"Code commune (coord. structure)", colCommune},
		{"Code pays (coord. structure)", colCountry},
		{"Téléphone (coord. structure)", colPhone},
		{"Téléphone 2 (coord. structure)", colPhone2},
		{"Télécopie (coord. structure)", colFax},
		{"Adresse e-mail (coord. structure)", colMail},
		{"Code département (coord. structure)", colDepartment},
		{"Ancien identifiant de la structure", colFormerID},
		{"Autorité d'enregistrement", colAuthority},
		{"Code genre d'activité", colGenre},
	}
}

// publicColumns is the header of PS_LibreAcces_Personne_activite: 48 columns in
// 2018, 52 in 2021, 56 since 2025 (rpps-import.md 2 and 2.1). Labels are left
// aside: they vary between short and long forms, codes do not.
func publicColumns() []named {
	return []named{
		{"Type d'identifiant PP", colIDType},
		{"Identifiant PP", colIDNumber},
		{"Identification nationale PP", colNationalID},
		{"Code civilité d'exercice", colPracticeCivility},
		{"Libellé civilité d'exercice", colIgnored},
		{"Code civilité", colCivility},
		{"Libellé civilité", colIgnored},
		{"Nom d'exercice", colPracticeName},
		{"Prénom d'exercice", colPracticeGivenName},
		{"Code profession", colProfession},
		{"Libellé profession", colIgnored},
		{"Code catégorie professionnelle", colCategory},
		{"Libellé catégorie professionnelle", colIgnored},
		{"Code type savoir-faire", colExpertiseType},
		{"Libellé type savoir-faire", colIgnored},
		{"Code savoir-faire", colExpertise},
		{"Libellé savoir-faire", colIgnored},
		{"Code mode exercice", colMode},
		{"Libellé mode exercice", colIgnored},
		{"Numéro SIRET site", colSiret},
		{"Numéro SIREN site", colSiren},
		{"Numéro FINESS site", colFinessSite},
		{"Numéro FINESS établissement juridique", colFinessLegal},
		{"Identifiant technique de la structure", colTechnicalID},
		{"Raison sociale site", colStructureName},
		{"Enseigne commerciale site", colTradeName},
		{"Complément destinataire (coord. structure)", colRecipient},
		{"Complément point géographique (coord. structure)", colGeoPoint},
		{"Numéro Voie (coord. structure)", colStreetNumber},
		{"Indice répétition voie (coord. structure)", colRepeatIndex},
		{"Code type de voie (coord. structure)", colStreetType},
		{"Libellé type de voie (coord. structure)", colIgnored},
		{"Libellé Voie (coord. structure)", colStreet},
		{"Mention distribution (coord. structure)", colDistribution},
		{"Bureau cedex (coord. structure)", colCedex},
		{"Code postal (coord. structure)", colPostalCode},
		{"Code commune (coord. structure)", colCommune},
		{"Libellé commune (coord. structure)", colIgnored},
		{"Code pays (coord. structure)", colCountry},
		{"Libellé pays (coord. structure)", colIgnored},
		{"Téléphone (coord. structure)", colPhone},
		{"Téléphone 2 (coord. structure)", colPhone2},
		{"Télécopie (coord. structure)", colFax},
		{"Adresse e-mail (coord. structure)", colMail},
		{"Code Département (structure)", colDepartment},
		{"Libellé Département (structure)", colIgnored},
		{"Ancien identifiant de la structure", colFormerID},
		{"Autorité d'enregistrement", colAuthority},
		{"Code secteur d'activité", colSector},
		{"Libellé secteur d'activité", colIgnored},
		{"Code section tableau pharmaciens", colPharmacistSection},
		{"Libellé section tableau pharmaciens", colIgnored},
		{"Code rôle", colRole},
		{"Libellé rôle", colIgnored},
		{"Code genre activité", colGenre},
		{"Libellé genre activité", colIgnored},
	}
}

// publicOldest is how many columns the oldest known edition had: fewer is not this file.
const publicOldest = 48

// expertiseColumns is the header of PS_LibreAcces_SavoirFaire (rpps-import.md 2.2).
func expertiseColumns() []named {
	return []named{
		{"Type d'identifiant PP", colIDType},
		{"Identifiant PP", colIDNumber},
		{"Identification nationale PP", colNationalID},
		{"Nom d'exercice", colIgnored},
		{"Prénom d'exercice", colIgnored},
		{"Code profession", colProfession},
		{"Libellé profession", colIgnored},
		{"Code catégorie professionnelle", colCategory},
		{"Libellé catégorie professionnelle", colIgnored},
		{"Code type savoir-faire", colExpertiseType},
		{"Libellé type savoir-faire", colIgnored},
		{"Code savoir-faire", colExpertise},
		{"Libellé savoir-faire", colIgnored},
	}
}

// nomenclatureOf gives the systems a coded column may draw from; none for the others.
func nomenclatureOf(c column) []rpps.System {
	switch c {
	case colCivility:
		return []rpps.System{rpps.SystemCivility}
	case colPracticeCivility:
		return []rpps.System{rpps.SystemPracticeCivility}
	case colProfession:
		return rpps.ProfessionSystems()
	case colCategory:
		return []rpps.System{rpps.SystemCategory}
	case colExpertiseType:
		return []rpps.System{rpps.SystemExpertiseType}
	case colExpertise:
		return []rpps.System{rpps.SystemExpertise}
	case colMode:
		return []rpps.System{rpps.SystemMode}
	case colSector:
		return []rpps.System{rpps.SystemSector}
	case colPharmacistSection:
		return []rpps.System{rpps.SystemPharmacistSection}
	case colRole:
		return []rpps.System{rpps.SystemCareRole, rpps.SystemFunction}
	case colGenre:
		return []rpps.System{rpps.SystemGenre}
	}
	return nil
}
