package claims

import "encoding/json"

// wanted is how one claim is asked for (Core 5.5.1).
type wanted struct {
	essential bool
	texts     []string // value, or values in order of preference
	other     bool     // one of them is no text
}

// claim reads the value of one claim: null, or an object with essential, value
// and values. Other members are ignored.
func (r *requestReader) claim() (wanted, error) {
	var w wanted
	t, err := r.next()
	if err != nil {
		return w, err
	}
	switch t {
	case nil:
		return w, nil
	case json.Delim('{'):
	default:
		return w, unreadable("asks for a claim with neither null nor an object", nil)
	}
	return w, r.members(func(name string) error {
		switch name {
		case "essential":
			return r.essential(&w)
		case "value":
			return r.value(&w)
		case "values":
			return r.values(&w)
		}
		return r.skip()
	})
}

func (r *requestReader) essential(w *wanted) error {
	t, err := r.next()
	if err != nil {
		return err
	}
	b, ok := t.(bool)
	if !ok {
		return unreadable("says essential with neither true nor false", nil)
	}
	w.essential = b
	return nil
}

// value takes a text; what else a claim may be (an address, a number) is for
// claims whose value this provider does not choose.
func (r *requestReader) value(w *wanted) error {
	depth := r.depth
	t, err := r.next()
	if err != nil {
		return err
	}
	if s, ok := t.(string); ok {
		w.texts = append(w.texts, s)
		return nil
	}
	w.other = true
	return r.leave(depth)
}

func (r *requestReader) values(w *wanted) error {
	t, err := r.next()
	if err != nil {
		return err
	}
	if t != json.Delim('[') {
		return unreadable("says values without a list", nil)
	}
	for r.dec.More() {
		if err := r.value(w); err != nil {
			return err
		}
	}
	_, err = r.next()
	return err
}

// leave passes over what is left of a value whose first token was taken.
func (r *requestReader) leave(depth int) error {
	for r.depth > depth {
		if _, err := r.next(); err != nil {
			return err
		}
	}
	return nil
}
