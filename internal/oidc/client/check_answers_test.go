package client

import (
	"strings"
	"testing"
)

const encKey = `{kty: EC, crv: P-256, use: enc, kid: e, x: f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU, y: x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0}`

func TestUI2TK13RegistrationOfSignedAnswers(t *testing.T) {
	const base = `id: web
name: Web
owner: Essai
contact: a@web.example
purpose: Essais
profile: oidc
secret_sha256: [9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08]
redirect_uris: ['https://web.example/cb']
`
	sigKey := strings.Replace(encKey, "use: enc", "use: sig", 1)
	noUse := strings.Replace(encKey, "use: enc, ", "", 1)
	const closed = "userinfo_signed_response_alg: ES256\nuserinfo_encrypted_response_alg: ECDH-ES\n"
	for name, c := range map[string]struct{ more, fault string }{
		"signed":                            {"userinfo_signed_response_alg: PS256\nintrospection_signed_response_alg: EdDSA\n", ""},
		"encrypted, keys by value":          {closed + "jwks: {keys: [" + encKey + "]}\n", ""},
		"encrypted, keys by address":        {closed + "userinfo_encrypted_response_enc: A256GCM\njwks_uri: https://web.example/jwks\n", ""},
		"none":                              {"userinfo_signed_response_alg: none\n", "userinfo_signed_response_alg"},
		"HMAC":                              {"introspection_signed_response_alg: HS256\n", "introspection_signed_response_alg"},
		"RSA1_5":                            {"userinfo_signed_response_alg: ES256\nuserinfo_encrypted_response_alg: RSA1_5\njwks_uri: https://web.example/jwks\n", "userinfo_encrypted_response_alg"},
		"dir":                               {"userinfo_signed_response_alg: ES256\nuserinfo_encrypted_response_alg: dir\njwks_uri: https://web.example/jwks\n", "userinfo_encrypted_response_alg"},
		"PBES2":                             {"userinfo_signed_response_alg: ES256\nuserinfo_encrypted_response_alg: PBES2-HS256+A128KW\njwks_uri: https://web.example/jwks\n", "userinfo_encrypted_response_alg"},
		"unknown cipher":                    {closed + "userinfo_encrypted_response_enc: A128CBC\njwks_uri: https://web.example/jwks\n", "userinfo_encrypted_response_enc"},
		"encrypted by nobody":               {"userinfo_encrypted_response_alg: ECDH-ES\njwks_uri: https://web.example/jwks\n", "userinfo_encrypted_response_alg"},
		"encrypted without keys":            {closed, "userinfo_encrypted_response_alg"},
		"a key for signatures":              {closed + "jwks: {keys: [" + sigKey + "]}\n", "userinfo_encrypted_response_alg"},
		"a key that does not say what for":  {closed + "jwks: {keys: [" + noUse + "]}\n", "userinfo_encrypted_response_alg"},
		"a key of another kind":             {strings.Replace(closed, "ECDH-ES", "RSA-OAEP-256", 1) + "jwks: {keys: [" + encKey + "]}\n", "userinfo_encrypted_response_alg"},
		"a cipher without a way to the key": {"userinfo_encrypted_response_enc: A128GCM\n", "userinfo_encrypted_response_enc"},
	} {
		faults := Lint("web.yaml", []byte(base+c.more))
		switch {
		case c.fault == "" && len(faults) > 0:
			t.Errorf("%s: %v", name, faults)
		case c.fault != "" && (len(faults) == 0 || faults[0].Path != c.fault):
			t.Errorf("%s: want a fault at %s, got %v", name, c.fault, faults)
		}
	}
}
