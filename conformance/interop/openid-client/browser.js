// Does what a person without script does: follow, fill in, press.
import { parse } from 'node-html-parser'
import { setTimeout as pause } from 'node:timers/promises'

export class Browser {
  #cookies = new Map() // by host, then by name: cookies know no ports

  // visit follows redirects until a page, or until the service's own address.
  async visit(target, callback, init = {}) {
    let url = new URL(target)
    for (let hop = 0; hop < 10; hop++) {
      const response = await fetch(url, { ...init, redirect: 'manual', headers: { ...init.headers, cookie: this.#cookie(url) } })
      this.#keep(url, response)
      const location = response.headers.get('location')
      if (!location) return { url, status: response.status, page: parse(await response.text()) }
      await response.arrayBuffer()
      url = new URL(location, url)
      if (url.href.split('?')[0] === callback) return { url, callback: url }
      init = {} // 303: the next hop is a GET without a body
    }
    throw new Error(`ten redirects, the last to ${url.href}`)
  }

  // press submits the form around a button, with what the person typed.
  async press(at, id, callback, typed = {}) {
    const button = at.page.querySelector(`#${id}`)
    const form = button?.closest('form')
    if (!form) {
      const code = at.page.querySelector('[data-code]')?.getAttribute('data-code')
      throw new Error(`no ${id} in a form at ${at.url.href} (status ${at.status}, code ${code})`)
    }
    const fields = {}
    for (const input of form.querySelectorAll('input')) {
      const [name, type] = [input.getAttribute('name'), input.getAttribute('type')]
      const unchecked = (type === 'checkbox' || type === 'radio') && !input.hasAttribute('checked')
      if (name && !unchecked) fields[name] = input.getAttribute('value') ?? ''
    }
    if (button.getAttribute('name')) fields[button.getAttribute('name')] = button.getAttribute('value') ?? ''
    const body = new URLSearchParams({ ...fields, ...typed })
    const target = new URL(form.getAttribute('action') ?? '', at.url)
    if (target.href.split('?')[0] === callback) { // form_post: the service reads the body
      target.search = body.toString()
      return { url: target, callback: target }
    }
    if (form.getAttribute('method')?.toLowerCase() !== 'post') {
      target.search = body.toString()
      return this.visit(target, callback)
    }
    return this.visit(target, callback, { method: 'POST', body })
  }

  // login goes from an authorization URL to the way back to the service.
  async login(authorizationURL, callback, login) {
    let at = await this.visit(authorizationURL, callback)
    if (!at.callback && at.page.querySelector('#submit-ecps')) at = await this.press(at, 'submit-ecps', callback, { login })
    for (const end = Date.now() + 45_000; !at.callback;) {
      if (Date.now() > end) throw new Error(`still at ${at.url.href}`)
      await pause(200) // a person looks at the page now and then
      at = await this.press(at, 'continue', callback)
    }
    return at.callback
  }

  #cookie(url) {
    return [...(this.#cookies.get(url.hostname) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  #keep(url, response) {
    const jar = this.#cookies.get(url.hostname) ?? new Map()
    for (const line of response.headers.getSetCookie()) {
      const [pair, ...attributes] = line.split(';')
      const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]
      if (attributes.some((a) => /^\s*max-age=(0|-)/i.test(a))) jar.delete(name)
      else jar.set(name, value)
    }
    this.#cookies.set(url.hostname, jar)
  }
}
