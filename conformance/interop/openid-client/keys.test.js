// A service that proves itself by its own key and signs what it asks, judged by
// openid-client: private_key_jwt and request objects (RFC 7523, RFC 9101).
import './webcrypto.js'
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as oidc from 'openid-client'
import { startDemo } from './demo.js'
import { Browser } from './browser.js'

const back = 'http://127.0.0.1:9405/callback'
const kid = '2026-11'

let demo, dir, key, config, who

before(async () => {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])
  key = { key: pair.privateKey, kid }
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey)
  dir = await mkdtemp(join(tmpdir(), 'egide-interop-keys-'))
  const file = join(dir, 'mon-logiciel.yaml')
  await writeFile(file, JSON.stringify({ // JSON is YAML
    id: 'mon-logiciel', name: 'Mon logiciel métier', owner: 'Éditeur fictif', contact: 'securite@exemple.invalid', purpose: 'essai',
    profile: 'oidc', auth_method: 'private_key_jwt', jwks: { keys: [{ kty, crv, x, y, kid, use: 'sig' }] },
    require_signed_request_object: true, redirect_uris: [back], scopes: ['openid', 'scope_all'],
  }))
  demo = await startDemo('--client-file', file)
  who = demo.sheet.personas.find((p) => p.behaviour === 'approve-300ms' && p.login.startsWith('8'))
  config = await oidc.discovery(new URL(demo.sheet.issuer), 'mon-logiciel', undefined, oidc.PrivateKeyJwt(key), { execute: [oidc.allowInsecureRequests] })
})

after(async () => {
  assert.equal(await demo?.stop(), 0, 'exit code after SIGTERM')
  await rm(dir, { recursive: true, force: true })
})

async function parameters() {
  const verifier = oidc.randomPKCECodeVerifier()
  return {
    verifier,
    asked: {
      redirect_uri: back, scope: 'openid scope_all', state: oidc.randomState(), nonce: oidc.randomNonce(),
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
    },
  }
}

test('signed request, code, refresh, introspection and revocation by the key alone', async () => {
  const { verifier, asked } = await parameters()
  const url = await oidc.buildAuthorizationUrlWithJAR(config, asked, key)
  assert.ok(url.searchParams.get('request'), url.href)
  assert.equal(url.searchParams.get('redirect_uri'), null, 'everything stands in the object')
  const at = await new Browser().login(url, back, who.login)
  const tokens = await oidc.authorizationCodeGrant(config, at, {
    pkceCodeVerifier: verifier, expectedState: asked.state, expectedNonce: asked.nonce, idTokenExpected: true,
  })
  const user = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)
  assert.equal(user.SubjectNameID, who.login)
  const next = await oidc.refreshTokenGrant(config, tokens.refresh_token)
  assert.equal((await oidc.tokenIntrospection(config, next.access_token)).active, true)
  await oidc.tokenRevocation(config, next.refresh_token)
  assert.equal((await oidc.tokenIntrospection(config, next.access_token)).active, false)
})

test('an unsigned request of a service that signs is refused', async () => {
  const { asked } = await parameters()
  const at = await new Browser().login(oidc.buildAuthorizationUrl(config, asked), back, who.login)
  assert.equal(at.searchParams.get('error'), 'invalid_request')
})

test('another key proves nothing', async () => {
  const other = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])
  const forged = await oidc.discovery(new URL(demo.sheet.issuer), 'mon-logiciel', undefined,
    oidc.PrivateKeyJwt({ key: other.privateKey, kid }), { execute: [oidc.allowInsecureRequests] })
  await assert.rejects(oidc.tokenIntrospection(forged, 'x'), (err) => err.error === 'invalid_client')
})
