package dmp

import (
	"net/http"
	"time"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/client/rs"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/egide-id/egide/internal/dmp/policy"
	"github.com/egide-id/egide/internal/platform/fault"
)

// introspection is what this service reads of the provider's answer about a
// token (RFC 7662, section 2.2; level and factors: RFC 9470, section 6.2).
type introspection struct {
	Active        bool     `json:"active"`
	Sub           string   `json:"sub"`
	SubjectNameID string   `json:"SubjectNameID"`
	ACR           string   `json:"acr"`
	AMR           []string `json:"amr"`
	AuthTime      int64    `json:"auth_time"`
	AuthMode      string   `json:"authMode"`
	AuthLevel     string   `json:"auth_level"`
	Structure     string   `json:"struct_IdNat"` // of a structure's own token

	Confirmation map[string]string `json:"cnf"` // what the bearer must prove (RFC 7800)
}

// factors gives the amr, or what stands for it in tokens shaped like Pro Santé
// Connect's, which carry authMode instead (pro-sante-connect.md 1.7).
func (in *introspection) factors() []string {
	switch {
	case len(in.AMR) > 0 || in.AuthLevel != "1":
		return in.AMR
	case in.AuthMode == "CARD":
		return []string{"hwk", "sc", "pin", "mfa"}
	case in.AuthMode == "MOBILE":
		return []string{"swk", "pin", "mfa"}
	}
	return nil
}

// factsOf asks the provider what the token is worth, and only for a person's
// token who that is.
func (s *Service) factsOf(r *http.Request, token string) (policy.Facts, []situation, error) {
	ctx := r.Context()
	parties, err := s.provider.get(ctx)
	if err != nil {
		return policy.Facts{}, nil, err
	}
	in, err := rs.Introspect[*introspection](ctx, parties.api, token)
	if err != nil {
		return policy.Facts{}, nil, fault.Wrap(fault.Unavailable, codeProviderDown, "the token cannot be checked", err)
	}
	if !in.Active {
		return policy.Facts{}, nil, errInactive()
	}
	facts := policy.Facts{ACR: in.ACR, AMR: in.factors(), Now: s.clock.Now(), Structure: in.Structure}
	if facts.Certificate, err = in.proven(r); err != nil {
		return policy.Facts{}, nil, err
	}
	if in.AuthTime > 0 {
		facts.LoggedIn = time.Unix(in.AuthTime, 0)
	}
	if in.SubjectNameID == "" {
		return facts, nil, nil // a structure's own token: the policy answers it (S-81)
	}
	user, err := rp.Userinfo[*userInfo](ctx, token, oidc.BearerToken, in.Sub, parties.login)
	switch {
	case isTransport(err):
		return policy.Facts{}, nil, fault.Wrap(fault.Unavailable, codeProviderDown, "the person cannot be looked up", err)
	case err != nil || user.SubjectNameID != in.SubjectNameID:
		return policy.Facts{}, nil, errInactive()
	}
	facts.Person = in.SubjectNameID
	return facts, user.situations(), nil
}

func errInactive() error {
	return fault.New(fault.Denied, codeUntrusted, "the token is not active")
}
