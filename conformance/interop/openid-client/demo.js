// Starts `egide demo --json` and reads its line; stops it as an operator
// would, by SIGTERM, and wants exit code 0.
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export async function startDemo(...more) {
  const binary = process.env.EGIDE_BIN
  if (!binary) throw new Error('EGIDE_BIN names the program to test; run.sh sets it')
  const dir = await mkdtemp(join(tmpdir(), 'egide-interop-'))
  const child = spawn(binary, ['demo', '--json', '--addr', await freeAddr(), '--data', join(dir, 'data'), ...more], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk) => { said += chunk })
  const exited = once(child, 'exit')
  const line = once(createInterface({ input: child.stdout }), 'line', { signal: AbortSignal.timeout(60_000) })
  const first = await Promise.race([line, exited.then(([code]) => { throw new Error(`demo ended with ${code}:\n${said}`) })])
  return {
    sheet: JSON.parse(first[0]),
    async stop() {
      child.kill('SIGTERM')
      const [code] = await exited
      await rm(dir, { recursive: true, force: true })
      return code
    },
  }
}

async function freeAddr() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return `127.0.0.1:${port}`
}
