/** Starts a backend as a stranger would, and talks to it over HTTP. Imports nothing of Posthorn. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** An answer, its body parsed where it is JSON. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Json
  readonly text: string
}

/** Parsed JSON that a test reaches into. */
export type Json = ReturnType<typeof JSON.parse>

/** A backend that runs. */
export interface Backend {
  readonly url: string
  readonly credentials: Json
  readonly pid: number
  /** One request; an object is sent as JSON, a string as it is. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** Sends SIGTERM; resolves to the exit code. */
  stop(): Promise<number | null>
}

/** `command` is what is run; the default skips npm. */
export async function startBackend(args: readonly string[], command?: readonly string[]): Promise<Backend> {
  const [file = '', ...before] = command ?? [process.execPath, '--import', 'tsx', 'examples/apis/main.ts']
  const child = spawn(file, [...before, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const ready = await readyLine(child)
  return {
    url: ready.url,
    credentials: ready.credentials,
    pid: child.pid ?? 0,
    async call(method, path, body, headers = {}) {
      const response = await fetch(`${ready.url}${path}`, {
        method,
        headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const text = await response.text()
      return { status: response.status, headers: response.headers, text, body: parsed(text) }
    },
    stop() {
      child.kill('SIGTERM')
      return ended
    },
  }
}

async function readyLine(child: ChildProcess): Promise<{ url: string; credentials: Json }> {
  if (child.stdout === null) throw new Error('no output to read')
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('{"ready":true')) return JSON.parse(line)
  }
  throw new Error('the backend ended before it was ready')
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
