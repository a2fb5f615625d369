/**
 * A receiver whose accept queue is full: the kernel drops every further SYN, as a firewall does, until the receiver begins to accept. Its
 * thread stands still after `listen`, which nothing in one thread could do. Linux.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'

/** See the file's header. */
export interface DeafReceiver {
  /** Accepts from now on, and answers every request with 200 and the body `late`. */
  wake(): void
  close(): Promise<void>
}

/** A queue of a backlog of one holds two. */
const QUEUED = 2
const SPARE = 2

const THREAD = `
const { createServer } = require('node:net')
const { workerData: { host, port, gate }, parentPort } = require('node:worker_threads')
const server = createServer((socket) => {
  socket.on('error', () => {})
  socket.on('data', () => socket.write('HTTP/1.1 200 OK\\r\\ncontent-length: 4\\r\\n\\r\\nlate'))
})
server.listen({ host, port, backlog: 1 }, () => {
  parentPort.postMessage('listening')
  Atomics.wait(new Int32Array(gate), 0, 0)
})
`

/** Listens on this loopback address and port, and fills its own queue. */
export async function deafReceiver(host: string, port: number): Promise<DeafReceiver> {
  const gate = new SharedArrayBuffer(4)
  const thread = new Worker(THREAD, { eval: true, workerData: { host, port, gate } })
  await once(thread, 'message')
  const fillers: Socket[] = Array.from({ length: QUEUED + SPARE }, () => connect(port, host))
  await new Promise<void>((resolve) => {
    let queued = 0
    for (const filler of fillers) {
      filler.on('error', () => {})
      filler.once('connect', () => {
        if (++queued === QUEUED) resolve()
      })
    }
  })
  return {
    wake() {
      Atomics.store(new Int32Array(gate), 0, 1)
      Atomics.notify(new Int32Array(gate), 0)
    },
    async close() {
      for (const filler of fillers) filler.destroy()
      await thread.terminate()
    },
  }
}
