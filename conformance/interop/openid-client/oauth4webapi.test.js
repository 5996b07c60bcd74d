// The strict baseline judged by oauth4webapi, which checks what others let pass:
// the answer by form_post and its iss, ID tokens, signed UserInfo and
// introspection by the published keys, certificates on the aliases announced.
import './webcrypto.js'
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as oauth from 'oauth4webapi'
import { startDemo } from './demo.js'
import { Browser } from './browser.js'

const back = 'http://127.0.0.1:9406/callback'
const secret = 'a secret of this test, not of anybody else'
const plain = { [oauth.allowInsecureRequests]: true }
const client = { client_id: 'strict', userinfo_signed_response_alg: 'ES256', introspection_signed_response_alg: 'ES256', id_token_signed_response_alg: 'ES256' }

let demo, dir, as, who
const proof = oauth.ClientSecretBasic(secret)

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'egide-interop-oauth-'))
  const file = join(dir, 'strict.yaml')
  await writeFile(file, JSON.stringify({ // JSON is YAML
    id: 'strict', name: 'Service strict', owner: 'Éditeur fictif', contact: 'essai@exemple.invalid', purpose: 'essai', profile: 'oidc', auth_method: 'client_secret_basic',
    secret_sha256: [createHash('sha256').update(secret).digest('hex')], redirect_uris: [back], scopes: ['openid', 'profile'], id_token_alg: 'ES256', access_token_format: 'jwt',
    userinfo_signed_response_alg: 'ES256', introspection_signed_response_alg: 'ES256',
  }))
  demo = await startDemo('--client-file', file)
  who = demo.sheet.personas.find((p) => p.behaviour === 'approve-300ms' && p.login.startsWith('8'))
  const issuer = new URL(demo.sheet.issuer)
  as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, plain))
})

after(async () => {
  assert.equal(await demo?.stop(), 0, 'exit code after SIGTERM')
  await rm(dir, { recursive: true, force: true })
})

test('code by form_post, ID token, signed UserInfo and introspection, refresh, revocation', async () => {
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const nonce = oauth.generateRandomNonce()
  const url = new URL(as.authorization_endpoint)
  for (const [name, value] of Object.entries({
    client_id: client.client_id, redirect_uri: back, response_type: 'code', response_mode: 'form_post', scope: 'openid profile', state, nonce, max_age: '300',
    claims: JSON.stringify({ id_token: { auth_time: { essential: true } }, userinfo: { given_name: null } }),
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  })) url.searchParams.set(name, value)
  const at = await new Browser().login(url, back, who.login)
  const answer = oauth.validateAuthResponse(as, client, at, state)
  const redeemed = await oauth.authorizationCodeGrantRequest(as, client, proof, answer, back, verifier, plain)
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, redeemed, { expectedNonce: nonce, maxAge: 300, requireIdToken: true })
  await oauth.validateApplicationLevelSignature(as, redeemed, plain)
  const claims = oauth.getValidatedIdTokenClaims(tokens)

  const info = await oauth.userInfoRequest(as, client, tokens.access_token, plain)
  assert.match(info.headers.get('content-type'), /^application\/jwt/)
  const user = await oauth.processUserInfoResponse(as, client, claims.sub, info)
  await oauth.validateApplicationLevelSignature(as, info, plain)
  assert.ok(user.given_name)

  const told = await oauth.introspectionRequest(as, client, proof, tokens.access_token, { ...plain, requestJwtResponse: true })
  assert.match(told.headers.get('content-type'), /^application\/token-introspection\+jwt/)
  assert.equal((await oauth.processIntrospectionResponse(as, client, told)).active, true)
  await oauth.validateApplicationLevelSignature(as, told, plain)

  const next = await oauth.processRefreshTokenResponse(as, client, await oauth.refreshTokenGrantRequest(as, client, proof, tokens.refresh_token, plain))
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, proof, next.refresh_token, plain))
  const over = await oauth.introspectionRequest(as, client, proof, next.access_token, { ...plain, requestJwtResponse: true })
  assert.equal((await oauth.processIntrospectionResponse(as, client, over)).active, false)
})

test('an error by form_post carries iss and state', async () => {
  const url = new URL(as.authorization_endpoint)
  url.search = new URLSearchParams({ client_id: client.client_id, redirect_uri: back, response_type: 'code', response_mode: 'form_post', scope: 'openid', state: 's1', prompt: 'none', code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256' })
  const browser = new Browser()
  const page = await browser.visit(url, back)
  const at = await browser.press(page, 'continue', back)
  assert.throws(() => oauth.validateAuthResponse(as, client, at.callback, 's1'), (err) => err.error === 'login_required')
})

// over speaks to the listener that asks for certificates.
function over(certificate) {
  return (url, init) => new Promise((done, fail) => {
    const req = request(url, { method: init.method, headers: Object.fromEntries(new Headers(init.headers)), rejectUnauthorized: false, ...certificate }, (res) => {
      const chunks = []
      res.on('data', (c) => chunks.push(c)).on('end', () => done(new Response(Buffer.concat(chunks), { status: res.statusCode, headers: res.headers })))
    })
    req.on('error', fail).end(init.body?.toString())
  })
}

test('a structure proves itself by its certificate, on the alias announced', async (t) => {
  const structure = demo.sheet.clients.find((c) => c.certificate)
  assert.ok(structure && as.mtls_endpoint_aliases?.token_endpoint, 'the demonstration offers it')
  const caller = { client_id: structure.client_id, use_mtls_endpoint_aliases: true }
  const files = { cert: await readFile(structure.certificate), key: await readFile(structure.key) }
  const ask = (certificate) => oauth.clientCredentialsGrantRequest(as, caller, oauth.TlsClientAuth(), new URLSearchParams(), { [oauth.customFetch]: over(certificate) })
  const tokens = await oauth.processClientCredentialsResponse(as, caller, await ask(files))
  assert.ok(tokens.access_token)
  await assert.rejects(async () => oauth.processClientCredentialsResponse(as, caller, await ask({})), (err) => err.error === 'invalid_client')
})
