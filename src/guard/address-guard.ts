/**
 * The address guard: may this URL be requested? Judges the text, then a literal address at once, or every address that
 * a name resolves to. It opens no connection; whoever does dials only what the verdict names.
 */
import type { LookUp } from '../dns/look-up.ts'
import { type AddressRule, addressRules, admits, type Unwrap, unwraps } from './address-rules.ts'
import { createKept } from './kept.ts'
import { parseUrl } from './parse-url.ts'
import { type AddressGuardOptions, type Policy, policyOf } from './policy.ts'
import {
  type JudgedUrl,
  MAX_URL_LENGTH,
  opened,
  type Rule,
  textRules,
  urlRules,
  type WrittenUrl,
} from './url-rules.ts'

/** What the guard says of a URL. */
export interface Verdict {
  readonly allowed: boolean
  /** Why not, as the end of a sentence that begins with what the URL is for; null when it is allowed. */
  readonly reason: string | null
  /** The rule that said no; null when it is allowed. */
  readonly rule: string | null
  /** The judged addresses, the only ones that may be dialled, in the order in which to try them; [] when refused. */
  readonly addresses: readonly string[]
}

/** What the guard says of a URL without a look-up. `address` is the host when it is a literal one, else null. */
export type UrlVerdict =
  | { readonly allowed: true; readonly hostname: string; readonly address: string | null }
  | { readonly allowed: false; readonly reason: string; readonly rule: string }

/** Options of `judge`. */
export interface JudgeOptions {
  /**
   * Resolves a name to all its addresses in place of DNS; never called for a literal address. How many run at once, and for how
   * long, is then the caller's to limit. @default DNS, at most 8 at once, 5 s for a name and 15 s with its wait, remembered for 5 s
   */
  readonly resolve?: ((hostname: string) => readonly string[] | Promise<readonly string[]>) | undefined
}

/** Judges URLs by one policy. */
export interface AddressGuard {
  /**
   * Judges a URL with one look-up; never rejects. The verdict holds for the addresses it names and for this moment:
   * dial one of them, and judge again before the next connection.
   */
  judge(url: string, options?: JudgeOptions): Promise<Verdict>
  /** Judges what needs no look-up: the text, the port, the host, a literal address. */
  judgeUrl(url: unknown): UrlVerdict
  /** True when there is an address and every one may be dialled for this host. */
  judgeAddresses(hostname: string, addresses: readonly string[]): boolean
  /** True when `allowHosts` or `allowPrivateNetworks` opens this name to private addresses. */
  opens(hostname: string): boolean
}

/** Everything a guard goes by. Tests weaken it rule by rule to see that each one counts. */
export interface GuardRules {
  readonly text: readonly Rule<WrittenUrl>[]
  readonly url: readonly Rule<JudgedUrl>[]
  readonly address: readonly AddressRule[]
  readonly unwraps: readonly Unwrap[]
  /** How the answers of a look-up are put together: all of them must pass. */
  readonly everyAnswer: (answers: readonly string[], passes: (answer: string) => boolean) => boolean
}

/** The rules in force. */
export const guardRules: GuardRules = {
  text: textRules,
  url: urlRules,
  address: addressRules,
  unwraps,
  everyAnswer: (answers, passes) => answers.length > 0 && answers.every(passes),
}

/**
 * Makes a guard; without options it accepts https to public addresses on the ports 80, 443 and 1024 to 65535.
 *
 * @example
 * const guard = addressGuard()
 * const { allowed, reason, addresses } = await guard.judge(avatarUrl)
 * @throws PosthornError INVALID_OPTION
 */
export function addressGuard(options: AddressGuardOptions = {}): AddressGuard {
  return createGuard(policyOf(options), guardRules)
}

/** Makes a guard of any rules; `addressGuard` is the one to use. */
export function createGuard(policy: Policy, rules: GuardRules): AddressGuard {
  const kept = createKept<UrlVerdict>(MAX_URL_LENGTH)
  let loading: Promise<LookUp> | undefined

  function judgeUrl(url: unknown): UrlVerdict {
    if (typeof url !== 'string') return { allowed: false, rule: 'text', reason: 'must be a string' }
    const known = kept.get(url)
    if (known !== undefined) return known
    const verdict = judgeText(url, policy, rules)
    kept.set(url, verdict)
    return verdict
  }

  function judgeAddresses(hostname: string, addresses: readonly string[]): boolean {
    const open = opened(hostname, policy)
    return rules.everyAnswer(addresses, (address) => admits(address, open, policy, rules))
  }

  async function lookUp(hostname: string): Promise<readonly string[]> {
    // Not a static import: judging addresses needs no DNS, and runs where there is none.
    loading ??= import('../dns/look-up.ts').then(({ createLookUp }) => createLookUp())
    const find = await loading
    return find(hostname, opened(hostname, policy))
  }

  return {
    judgeUrl,
    judgeAddresses,
    opens: (hostname) => opened(hostname, policy),
    async judge(url, { resolve } = {}) {
      const verdict = judgeUrl(url)
      if (!verdict.allowed) return { ...verdict, addresses: [] }
      if (verdict.address !== null) return passed([verdict.address])
      const addresses = await answersOf(verdict.hostname, resolve ?? lookUp)
      if (addresses === null || addresses.length === 0)
        return refused('look-up', 'has a host that could not be resolved')
      return judgeAddresses(verdict.hostname, addresses)
        ? passed([...addresses])
        : refused('address', NOT_PUBLIC)
    },
  }
}

const NOT_PUBLIC =
  'leads to an address that is not public: createWebhooks takes `allowCidrs` or `allowPrivateNetworks` for networks of your own'

const passed = (addresses: readonly string[]): Verdict => ({
  allowed: true,
  reason: null,
  rule: null,
  addresses,
})
const refused = (rule: string, reason: string): Verdict => ({ allowed: false, reason, rule, addresses: [] })

function judgeText(text: string, policy: Policy, rules: GuardRules): UrlVerdict {
  const written = writtenUrl(text)
  for (const rule of rules.text) {
    const reason = rule.refuses(written, policy)
    if (reason !== null) return { allowed: false, rule: rule.name, reason }
  }
  const judged = judgedUrl(written)
  if (judged === null) return { allowed: false, rule: 'parse', reason: 'is not a valid URL' }
  for (const rule of rules.url) {
    const reason = rule.refuses(judged, policy)
    if (reason !== null) return { allowed: false, rule: rule.name, reason }
  }
  const { hostname, literal } = judged
  if (!literal) return { allowed: true, hostname, address: null }
  if (admits(hostname, policy.allowPrivateNetworks, policy, rules))
    return { allowed: true, hostname, address: hostname }
  return { allowed: false, rule: 'address', reason: NOT_PUBLIC }
}

function writtenUrl(text: string): WrittenUrl {
  const [, scheme = '', authority = ''] = /^(https?):\/\/([^/?#]*)/i.exec(text) ?? []
  const host = /^(\[[^\]]*\]|[^:]*)/.exec(authority)?.[0] ?? ''
  return { text, scheme: scheme.toLowerCase(), authority, host: host.toLowerCase() }
}

function judgedUrl(written: WrittenUrl): JudgedUrl | null {
  const parsed = parseUrl(written.text)
  if (parsed === null) return null
  const bare = parsed.hostname.replace(/^\[|\]$/g, '')
  const literal = parsed.hostname.startsWith('[') || /^\d+\.\d+\.\d+\.\d+$/.test(bare)
  const port = parsed.port === '' ? (parsed.protocol === 'https:' ? 443 : 80) : Number(parsed.port)
  return { ...written, parsed, hostname: literal ? bare : bare.replace(/\.$/, ''), literal, port }
}

async function answersOf(
  hostname: string,
  resolve: NonNullable<JudgeOptions['resolve']>,
): Promise<readonly string[] | null> {
  try {
    const answers: unknown = await resolve(hostname)
    return Array.isArray(answers) ? answers : null
  } catch {
    return null
  }
}
