// Package pkcs11 keeps the private halves of signing keys in a token behind
// PKCS#11: a hardware security module, or SoftHSM2 for tests. They are made in
// the token, never leave it, and are destroyed there when they retire.
//
// It is the second of the two places where this project uses cgo, so that the
// rest builds everywhere without a C compiler: the token's library is a C
// library. Built without the tag pkcs11, Open answers fault.Unavailable.
package pkcs11

// Options say which token.
type Options struct {
	Module string // shared library of the token's maker
	Label  string // of the token
	PIN    string // of its user
}
