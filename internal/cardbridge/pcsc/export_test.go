//go:build pcsc

package pcsc

// Begin is what Connect does once connected.
var Begin = begin
