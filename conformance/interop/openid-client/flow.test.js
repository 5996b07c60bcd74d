// The demonstration, judged by openid-client: the certified client library
// that most Node services use.
import './webcrypto.js'
import { after, before, describe, test } from 'node:test'
import assert from 'node:assert/strict'
import * as oidc from 'openid-client'
import { startDemo } from './demo.js'
import { Browser } from './browser.js'

let demo, clients, who

before(async () => {
  demo = await startDemo()
  clients = demo.sheet.clients.filter((c) => c.redirect_uris.length > 0)
  who = demo.sheet.personas.find((p) => p.behaviour === 'approve-300ms' && p.login.startsWith('8'))
})

after(async () => {
  assert.equal(await demo?.stop(), 0, 'exit code after SIGTERM')
})

// configure makes a client by discovery, http allowed on loopback only.
async function configure(c) {
  const how = c.client_secret ? oidc.ClientSecretBasic(c.client_secret) : oidc.None()
  return oidc.discovery(new URL(demo.sheet.issuer), c.client_id, undefined, how, { execute: [oidc.allowInsecureRequests] })
}

async function ask(config, c, browser, login, extra = {}) {
  const verifier = oidc.randomPKCECodeVerifier()
  const [state, nonce] = [oidc.randomState(), oidc.randomNonce()]
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: c.redirect_uris[0], scope: 'openid scope_all', acr_values: 'eidas1', state, nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', ...extra,
  })
  return { back: await browser.login(url, c.redirect_uris[0], login), state, nonce, verifier }
}

async function login(config, c, browser, person) {
  const { back, state, nonce, verifier } = await ask(config, c, browser, person)
  return oidc.authorizationCodeGrant(config, back, {
    pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true,
  })
}

const invalidGrant = (err) => err instanceof oidc.ResponseBodyError && err.error === 'invalid_grant'

for (const kind of ['psc', 'oidc', 'public']) {
  describe(kind, () => {
    let c, config
    before(async () => {
      c = clients.find((one) => kind === 'public' ? !one.client_secret : one.client_secret && one.profile === kind)
      assert.ok(c, `the sheet lists a ${kind} client`)
      config = await configure(c)
    })

    test('code, ID token, UserInfo, refresh, logout', async () => {
      const browser = new Browser()
      const tokens = await login(config, c, browser, who.login)
      const claims = tokens.claims()
      assert.ok(claims.sid && claims.auth_time && claims.acr, JSON.stringify(claims))
      const user = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub)
      assert.equal(user.SubjectNameID, who.login)
      assert.ok(user.SubjectRefPro.exercices.length > 0)

      const next = await oidc.refreshTokenGrant(config, tokens.refresh_token)
      assert.notEqual(next.refresh_token, tokens.refresh_token)
      assert.equal(next.claims().sub, claims.sub)
      assert.equal(next.claims().auth_time, claims.auth_time)
      await oidc.fetchUserInfo(config, next.access_token, claims.sub)

      const out = c.post_logout_redirect_uris[0]
      const end = oidc.buildEndSessionUrl(config, { id_token_hint: tokens.id_token, post_logout_redirect_uri: out, state: 'st-1' })
      const at = await browser.visit(end, out)
      assert.equal(at.callback?.searchParams.get('state'), 'st-1', `logout ended at ${at.url.href}`)
      await assert.rejects(oidc.refreshTokenGrant(config, next.refresh_token), invalidGrant)
      const { back } = await ask(config, c, browser, '', { prompt: 'none' })
      assert.equal(back.searchParams.get('error'), 'login_required')
    })

    test('a code works once', async () => {
      const { back, state, nonce, verifier } = await ask(config, c, new Browser(), who.login)
      const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce }
      await oidc.authorizationCodeGrant(config, back, checks)
      await assert.rejects(oidc.authorizationCodeGrant(config, back, checks), invalidGrant)
    })

    test('a revoked refresh token is dead', async () => {
      const tokens = await login(config, c, new Browser(), who.login)
      await oidc.tokenRevocation(config, tokens.refresh_token)
      await assert.rejects(oidc.refreshTokenGrant(config, tokens.refresh_token), invalidGrant)
    })

    test('introspection', async () => {
      const tokens = await login(config, c, new Browser(), who.login)
      if (kind === 'public') { // it tells about people: never to a client that cannot authenticate
        await assert.rejects(oidc.tokenIntrospection(config, tokens.access_token), (err) => err.status === 401)
        return
      }
      const seen = await oidc.tokenIntrospection(config, tokens.access_token)
      assert.equal(seen.active, true)
      assert.equal(seen.SubjectNameID, who.login)
      await oidc.tokenRevocation(config, tokens.access_token)
      assert.deepEqual(await oidc.tokenIntrospection(config, tokens.access_token), { active: false })
    })
  })
}

test('a person who refuses sends access_denied', async () => {
  const c = clients[0]
  const config = await configure(c)
  const refusing = demo.sheet.personas.find((p) => p.behaviour === 'refuse')
  const { back, state } = await ask(config, c, new Browser(), refusing.login)
  await assert.rejects(
    oidc.authorizationCodeGrant(config, back, { expectedState: state }),
    (err) => err instanceof oidc.AuthorizationResponseError && err.error === 'access_denied',
  )
})

test('a structure gets a token of its own, and no person with it', async () => {
  const c = demo.sheet.clients.find((one) => one.client_secret && one.redirect_uris.length === 0)
  assert.ok(c, 'the sheet lists a structure client')
  const config = await configure(c)
  const tokens = await oidc.clientCredentialsGrant(config)
  assert.equal(tokens.refresh_token, undefined)
  assert.equal(tokens.id_token, undefined)
  const answer = await fetch(`${demo.sheet.dmp_url}/api/consultation/fictif-1`, { headers: { authorization: `Bearer ${tokens.access_token}` } })
  assert.equal(answer.status, 403)
  assert.equal((await answer.json()).code, 'PF-DR-031')
})
