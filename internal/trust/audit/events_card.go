package audit

// CardOpposed says that an operator put a card in opposition: it opens nothing more (PG-19).
type CardOpposed struct {
	Operator string `json:"operator"`
	Card     string `json:"card"`              // number as in the certificate
	Subject  string `json:"subject,omitempty"` // holder, if the card was ever seen
	Reason   string `json:"reason"`            // lost | stolen | departure | other
}

// CardReinstated says that an operator lifted an opposition.
type CardReinstated struct {
	Operator string `json:"operator"`
	Card     string `json:"card"`
	Subject  string `json:"subject,omitempty"`
}

func (CardOpposed) event() string    { return "card.opposed" }
func (CardReinstated) event() string { return "card.reinstated" }
