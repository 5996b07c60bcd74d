// Package pcsc is the cardbridge.Transport of real readers, through PC/SC. It
// needs cgo and the build tag pcsc; built without it, Open says which build has
// readers.
//
// Every call has a PC/SC context of its own: a wait can then be cancelled
// without touching what another call does, and a service that was restarted is
// found again by the next call (cps-card.md section 6).
package pcsc
