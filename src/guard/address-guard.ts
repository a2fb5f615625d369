/**
 * The address guard: may this URL be requested? Judges the text, then a literal address at once, or every address that
 * a name resolves to. It opens no connection; whoever does dials only what the verdict names.
 */
import type { LookUp } from '../dns/look-up.ts'
import { type AddressJudging, addressRules, judgeAddress, opensMetadata, unwraps } from './address-rules.ts'
import { parseAddress } from './blocks.ts'
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
export interface GuardRules extends AddressJudging {
  readonly text: readonly Rule<WrittenUrl>[]
  readonly url: readonly Rule<JudgedUrl>[]
  /** How the answers of a look-up are put together: all of them must pass. */
  readonly everyAnswer: (answers: readonly string[], passes: (answer: string) => boolean) => boolean
}

/** The rules in force. */
export const guardRules: GuardRules = {
  text: textRules,
  url: urlRules,
  parse: parseAddress,
  address: addressRules,
  unwraps,
  opensMetadata,
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
    if (typeof hostname !== 'string' || !Array.isArray(addresses)) return false
    const open = opened(hostname, policy)
    // Not the list itself: `every` passes over holes.
    return rules.everyAnswer(
      [...addresses],
      (address) => judgeAddress(address, open, policy, rules) === 'allowed',
    )
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
    async judge(url, options) {
      const verdict = judgeUrl(url)
      if (!verdict.allowed) return { ...verdict, addresses: [] }
      if (verdict.address !== null) return passed([verdict.address])
      const { hostname } = verdict
      const answers = await answersOf(() => (options?.resolve ?? lookUp)(hostname))
      if (typeof answers === 'string') return refused('look-up', answers)
      return judgeAddresses(hostname, answers) ? passed(answers) : refused('address', leadsInside(policy))
    },
  }
}

/**
 * The one sentence for whatever depends on an answer of DNS: it says nothing of which address that was. `denied` is for a literal
 * address, whose verdict is known without asking anybody.
 */
function leadsInside({ denyBlocks, allowPrivateNetworks }: Policy, is?: 'closed' | 'denied'): string {
  if (is === 'denied') return 'leads to an address that is on the list of denied blocks'
  const orDenied = is === undefined && denyBlocks.length > 0 ? ', or on the list of denied blocks' : ''
  const orAll = allowPrivateNetworks ? '' : ', `allowPrivateNetworks` all private ones'
  return `leads to an address that is not public${orDenied}: the option \`allowCidrs\` opens networks of your own${orAll}`
}

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
  const is = judgeAddress(hostname, policy.allowPrivateNetworks, policy, rules)
  if (is === 'allowed') return { allowed: true, hostname, address: hostname }
  return { allowed: false, rule: 'address', reason: leadsInside(policy, is) }
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

/** The answers, or why there are none. */
async function answersOf(ask: () => unknown): Promise<readonly string[] | string> {
  try {
    const answers = await ask()
    const list: readonly unknown[] | null = Array.isArray(answers) ? [...answers] : null
    if (list === null || !list.every((answer) => typeof answer === 'string'))
      return 'has a host that could not be resolved: `resolve` must return a list of addresses, each a string'
    return list.length > 0 ? list : UNRESOLVED
  } catch {
    return UNRESOLVED
  }
}

const UNRESOLVED = 'has a host that could not be resolved'
