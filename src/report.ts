/** Tells hooks and logger what happens. The one seam of all reporting: nothing else calls a hook or writes a line. */
import type { Clock } from './clock.ts'
import type { PosthornError } from './errors.ts'
import type { Hooks, Logger } from './hooks.ts'
import { ignoreRejection, isThenable } from './input/thenable.ts'
import type { Reporter } from './parts.ts'
import { type Fault, faultOf } from './report/fault.ts'
import { shownSubscription } from './shown-url.ts'

const LOG_EVERY_MS = 60_000
/** Faults of a step that are told apart in this time; their codes may be made of what somebody sent. */
const MAX_FAULTS = 20

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
      ignoreRejection(logger[level](details, message))
    } catch {}
  }
  return { debug: safely('debug'), info: safely('info'), warn: safely('warn'), error: safely('error') }
}

/** Hooks run after the step they report and never change it; one that throws or rejects is logged. */
export function createReporter(hooks: Hooks, logger: Logger, clock: Clock): Reporter {
  /** By step, then by fault. */
  const logged = new Map<string | null, Map<string, number>>()

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
    const message = `The hook \`${name}\` failed; deliveries are not affected.`
    logOnce({ step: `hook ${name}`, kind: '' }, { hook: name, err: cause }, message)
  }

  /** At most one line a minute for each fault; those of a step that are too many wait for the next minute. */
  function logOnce({ step, kind }: Fault, details: object, message: string): void {
    const now = clock.monotonic()
    const faults = logged.get(step) ?? new Map<string, number>()
    logged.set(step, faults)
    for (const [one, at] of faults) if (now - at >= LOG_EVERY_MS) faults.delete(one)
    if (faults.has(kind) || faults.size >= MAX_FAULTS) return
    faults.set(kind, now)
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
      const details = { during, code: error.code, err: error }
      logOnce(faultOf(during, error), details, error.message)
      call('problem', { during, error })
    },
    hasAttempted: hooks.attempted !== undefined,
    hasEnded: hooks.ended !== undefined,
  }
}
