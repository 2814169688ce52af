package bridge

import "errors"

// pin is a query password while its holder stands at the machine. Its bytes
// are overwritten when the visit ends, and it never shows itself: not in an
// error, not in a log.
type pin []byte

func (p pin) String() string   { return "******" }
func (p pin) GoString() string { return "******" }

// MarshalJSON gives it to the server, and to nobody else: only client
// marshals one.
func (p pin) MarshalJSON() ([]byte, error) {
	return append(append([]byte{'"'}, p...), '"'), nil
}

// UnmarshalJSON takes six digits.
func (p *pin) UnmarshalJSON(b []byte) error {
	if len(b) != 8 || b[0] != '"' {
		return errors.New("six digits are needed")
	}
	for _, d := range b[1:7] {
		if d < '0' || d > '9' {
			return errors.New("six digits are needed")
		}
	}
	*p = append(pin(nil), b[1:7]...)
	return nil
}
