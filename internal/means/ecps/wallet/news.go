package wallet

import "time"

// Sealer closes what lies in the database with a key that does not.
type Sealer interface {
	Seal(purpose string, plain []byte) (string, error)
	Unseal(purpose, sealed string) ([]byte, error)
}

// News is what a holder is told of his e-CPS, by mail, whoever did it.
type News struct {
	Kind   NewsKind
	Holder string // national identifier
	Label  string // of the phone
	Way    Way
	At     time.Time
	Days   int    // of a reminder: how many are left
	Key    string // names this very news, so that it is told once
}

// NewsKind is a kind of news.
type NewsKind string

// The kinds.
const (
	NewsPhone  NewsKind = "phone"  // a phone was activated
	NewsFrozen NewsKind = "frozen" // everything was frozen
	NewsEnding NewsKind = "ending" // the three years end soon (PG-19)
)
