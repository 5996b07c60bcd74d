// Package policy decides who may consult a record, from facts alone.
//
// It stands on the standard library and is meant to be read and copied: a
// service gathers Facts from its tokens and its own records, and asks. The
// matrix is data (matrix.json, marked "our reading"), so that changing who may
// read never means changing code, and an answer always names the rule, the
// fact that is missing and who can mend it (ux.md section 7, idea 3).
//
//	p, err := policy.Default()
//	d := p.Decide(policy.Facts{Person: "899700990015", ACR: "eidas1", ...})
//	if !d.Granted { log(d.Code, d.Rule); show(d.Message.In("fr"), d.WhoCanMend.In("fr")) }
//
// Rule identifiers (S-81, X-13) are those of the reference on identities.
package policy
