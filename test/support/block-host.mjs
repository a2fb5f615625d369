/**
 * Runs one block of the docs as a process of its own: serves what it exports, and says on which port anything listens.
 * `node block-host.mjs <module> <module of @hono/node-server>`
 */
import { Server } from 'node:net'

const { listen } = Server.prototype
Server.prototype.listen = function (...given) {
  this.once('listening', () => console.log(`listening ${this.address().port}`))
  return listen.apply(this, given)
}

const [, , block, server] = process.argv
const { default: app, POST } = await import(block)
const fetch = POST ?? app?.fetch
if (fetch !== undefined) {
  const { serve } = await import(server)
  serve({ fetch, port: 0, hostname: '127.0.0.1' })
}
