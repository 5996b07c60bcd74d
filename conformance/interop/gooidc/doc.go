// Package gooidc drives the demonstration with golang.org/x/oauth2 and
// coreos/go-oidc, the pair most Go services use: a client that nobody here
// wrote is the judge of our wire format. A module of its own keeps their
// dependencies out of the project's go.mod.
package gooidc
