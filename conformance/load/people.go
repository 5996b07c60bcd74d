package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/egide-id/egide/conformance/harness"
)

// failing lets the test browser be used by a program.
type failing struct{}

func (failing) Helper()                        {}
func (failing) Fatal(args ...any)              { panic(fmt.Sprint(args...)) }
func (failing) Fatalf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }

// logIn walks one whole login by e-CPS and redeems the code.
func (b *bench) logIn(ctx context.Context, s harness.Service, login string) (cookie *http.Cookie, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("login: %v", r)
		}
	}()
	browser := harness.NewBrowser(failing{}, harness.At(s.Redirect))
	browser.Script()
	arrived := browser.SignIn(b.authorizeURL(s), login)
	if arrived == nil {
		return nil, fmt.Errorf("login ended on a page: %s", browser.Page.Code())
	}
	if _, err := b.redeem(ctx, s, answer{location: arrived.String()}); err != nil {
		return nil, err
	}
	front, err := url.Parse(b.node.Authorization)
	if err != nil {
		return nil, err
	}
	for _, c := range browser.Cookies(front) {
		if c.Name == "egide-session" {
			return c, nil
		}
	}
	return nil, fmt.Errorf("no session cookie")
}

// codeWithLogin is the whole journey, the phone's part in this process.
func (b *bench) codeWithLogin(s harness.Service) func(context.Context, int) error {
	logins := harness.People(workers)
	return func(ctx context.Context, worker int) error {
		_, err := b.logIn(ctx, s, logins[worker].ID.String())
		return err
	}
}
