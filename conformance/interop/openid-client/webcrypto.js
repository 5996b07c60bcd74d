// Debian 12 ships Node.js 18, which has Web Crypto but not under its global
// name. Imported first, so that the libraries find it.
import { webcrypto } from 'node:crypto'

globalThis.crypto ??= webcrypto
globalThis.CryptoKey ??= webcrypto.CryptoKey
