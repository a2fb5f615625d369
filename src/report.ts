/** Tells hooks and logger what happens. The one seam of all reporting: nothing else calls a hook or writes a line. */
import type { Clock } from './clock.ts'
import type { PosthornError } from './errors.ts'
import type { Hooks, Logger } from './hooks.ts'
import { isThenable } from './input/thenable.ts'
import type { Reporter } from './parts.ts'
import { shownSubscription } from './shown-url.ts'

const LOG_EVERY_MS = 60_000

/** The logger when none is given: warnings and errors become process warnings, the rest is silent. */
export const warningLogger: Logger = {
  debug() {},
  info() {},
  warn: (_details, message) => emit(message),
  error: (_details, message) => emit(message),
}

function emit(message: string): void {
  const { process } = globalThis as { process?: { emitWarning?(message: string, type: string): void } }
  process?.emitWarning?.(message, 'PosthornWarning')
}

/** The host's logger, made safe: one that throws or rejects has nobody left to be told, and changes nothing. */
export function harmless(logger: Logger): Logger {
  const safely = (level: keyof Logger) => (details: object, message: string) => {
    try {
      const written: unknown = logger[level](details, message)
      if (isThenable(written)) Promise.resolve(written).catch(() => undefined)
    } catch {}
  }
  return { debug: safely('debug'), info: safely('info'), warn: safely('warn'), error: safely('error') }
}

/** Hooks run after the step they report and never change it; one that throws or rejects is logged. */
export function createReporter(hooks: Hooks, logger: Logger, clock: Clock): Reporter {
  const loggedAt = new Map<string, number>()

  function call<Name extends keyof Hooks>(name: Name, report: Parameters<NonNullable<Hooks[Name]>>[0]): void {
    const hook = hooks[name] as ((report: unknown) => unknown) | undefined
    if (hook === undefined) return
    try {
      const result = hook.call(hooks, report)
      if (isThenable(result)) Promise.resolve(result).catch((cause) => failed(name, cause))
    } catch (cause) {
      failed(name, cause)
    }
  }

  function failed(name: string, cause: unknown): void {
    logOnce(
      `hook ${name}`,
      { hook: name, err: cause },
      `The hook \`${name}\` failed; deliveries are not affected.`,
    )
  }

  /** At most one line a minute for each cause. */
  function logOnce(cause: string, details: object, message: string): void {
    const now = clock.monotonic()
    const last = loggedAt.get(cause)
    if (last !== undefined && now - last < LOG_EVERY_MS) return
    if (loggedAt.size > 1_000) loggedAt.clear()
    loggedAt.set(cause, now)
    logger.error(details, message)
  }

  return {
    published: (report) => call('published', report),
    attempted: (report) => call('attempted', report),
    ended: (report) => call('ended', report),
    subscriptionChanged: (report) =>
      call('subscriptionChanged', { ...report, subscription: shownSubscription(report.subscription) }),
    noticed: (report) => call('noticed', { ...report, subscription: shownSubscription(report.subscription) }),
    hasNotices: hooks.noticed !== undefined,
    warn(message) {
      try {
        logger.warn({}, message)
      } catch {
        // A logger that throws has nobody left to be told.
      }
    },
    problem(during: string, error: PosthornError) {
      logOnce(
        `${failureOf(error) ?? during} ${error.code}`,
        { during, code: error.code, err: error },
        error.message,
      )
      call('problem', { during, error })
    },
    hasAttempted: hooks.attempted !== undefined,
    hasEnded: hooks.ended !== undefined,
  }
}

/** The code at the bottom of it: a database that does not answer is one cause, whatever was asked of it. */
function failureOf(error: PosthornError): string | null {
  if (error.code !== 'STORE_FAILED') return null
  let { cause } = error
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause
  const code = (cause as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : null
}
