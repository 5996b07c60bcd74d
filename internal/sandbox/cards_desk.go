package sandbox

// Desk is what lies on the table: the readers, the cards, and what the bridge's
// window showed last. Its JSON form is a contract: fields are only ever added.
type Desk struct {
	Readers []Reader    `json:"readers"`
	Cards   []CardState `json:"cards"`
	Window  *Window     `json:"window,omitempty"` // what the PIN window showed last
}

// Reader is one reader and whose card is in it.
type Reader struct {
	Name    string `json:"name"`
	Persona string `json:"persona"` // key; empty when there is no card
}

// CardState is one persona's card.
type CardState struct {
	Persona   string `json:"persona"` // key
	Login     string `json:"login"`
	Name      string `json:"name"`
	Type      string `json:"type"`  // CPS | CPF | CPE | CDE
	Model     string `json:"model"` // cps3 | cps4
	Behaviour string `json:"behaviour"`
	Reader    string `json:"reader"`     // where it is; empty when it is in none
	WrongNext bool   `json:"wrong_next"` // the next PIN will be wrong
}

// Window is what the bridge's window showed.
type Window struct {
	Service   string `json:"service"`
	Provider  string `json:"provider"`
	Reader    string `json:"reader"`
	TriesLeft int    `json:"tries_left"`
	Wrong     bool   `json:"wrong"` // after a wrong PIN
}

// Desk tells how things stand.
func (c *Cards) Desk() Desk {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := Desk{Window: c.window}
	for _, r := range readers() {
		row := Reader{Name: r}
		if x := c.in[r]; x != nil {
			row.Persona = x.who.Key
		}
		d.Readers = append(d.Readers, row)
	}
	for _, p := range Personas() {
		if p.Card.Type != "" {
			d.Cards = append(d.Cards, CardState{
				Persona: p.Key, Login: p.Login, Name: p.Name, Type: p.Card.Type, Model: p.Card.Model,
				Behaviour: string(p.Behaviour), Reader: c.where(p), WrongNext: c.mistake[p.Key],
			})
		}
	}
	return d
}
