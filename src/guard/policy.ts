/** What an operator opens and closes: the options of the address guard, checked once, in the form the rules read. */
import { didYouMean } from '../input/closest.ts'
import { type Block, blockOf, openBlockOf } from './blocks.ts'
import { hostPatternOf } from './hosts.ts'
import { optionError } from './option-error.ts'

/** Settings of the address guard. What is denied wins over what is allowed. */
export interface AddressGuardOptions {
  /** Accept `http://` URLs too. @default false */
  readonly allowHttp?: boolean | undefined
  /**
   * Accept loopback, private and shared networks (RFC 1918, RFC 6598, unique local) and the names used in them
   * (`localhost`, single labels, `.internal` …). Metadata addresses stay refused. @default false
   */
  readonly allowPrivateNetworks?: boolean | undefined
  /**
   * Blocks to accept although they are not public, for example `['127.0.0.0/8', '::1/128']`. Metadata addresses within a wider block
   * stay refused: name them by themselves, or a block of nothing else (`169.254.0.0/16`). IPv4 is written as such: it then holds for
   * NAT64 and v4-mapped spellings, too. @default []
   */
  readonly allowCidrs?: readonly string[] | undefined
  /** Blocks to refuse, also where another option allows them. @default [] */
  readonly denyCidrs?: readonly string[] | undefined
  /**
   * Names to accept as `allowPrivateNetworks` would, for example `['localhost', '*.svc.cluster.local']`; `*.` stands
   * for any names below. Addresses are for `allowCidrs`. @default []
   */
  readonly allowHosts?: readonly string[] | undefined
  /** Names to refuse, with all names below them. Addresses are for `denyCidrs`. @default [] */
  readonly denyHosts?: readonly string[] | undefined
  /** Ports to accept besides 80, 443 and 1024 to 65535. @default [] */
  readonly allowPorts?: readonly number[] | undefined
  /** Ports to refuse. @default [] */
  readonly denyPorts?: readonly number[] | undefined
}

/** The options in the form that the rules read. */
export interface Policy {
  readonly allowHttp: boolean
  readonly allowPrivateNetworks: boolean
  readonly allowBlocks: readonly Block[]
  readonly denyBlocks: readonly Block[]
  readonly allowHosts: readonly string[]
  readonly denyHosts: readonly string[]
  readonly allowPorts: readonly number[]
  readonly denyPorts: readonly number[]
}

/** The names of the options, in the order of their documentation. */
export const GUARD_OPTIONS = [
  'allowHttp',
  'allowPrivateNetworks',
  'allowCidrs',
  'denyCidrs',
  'allowHosts',
  'denyHosts',
  'allowPorts',
  'denyPorts',
] as const satisfies readonly (keyof AddressGuardOptions)[]

/** @throws PosthornError INVALID_OPTION with the path of the first bad value */
export function policyOf(options: AddressGuardOptions): Policy {
  // A Map has no options of its own: they would be left out without a word.
  if (Object.prototype.toString.call(options) !== '[object Object]')
    throw optionError('guard', 'must be an object')
  for (const key of Object.keys(options))
    if (!(GUARD_OPTIONS as readonly string[]).includes(key))
      throw optionError(key, `is not known.${didYouMean(key, [...GUARD_OPTIONS])}`)
  const flag = (name: 'allowHttp' | 'allowPrivateNetworks') => {
    const value: unknown = options[name] ?? false
    if (typeof value !== 'boolean') throw optionError(name, 'must be true or false')
    return value
  }
  const list = <T>(name: keyof AddressGuardOptions, read: (value: unknown, path: string) => T): T[] => {
    const value: unknown = options[name] ?? []
    if (!Array.isArray(value)) throw optionError(name, 'must be an array')
    return Array.from(value, (entry, index) => read(entry, `${name}[${index}]`))
  }
  return {
    allowHttp: flag('allowHttp'),
    allowPrivateNetworks: flag('allowPrivateNetworks'),
    allowBlocks: list('allowCidrs', openBlockOf),
    denyBlocks: list('denyCidrs', blockOf),
    allowHosts: list('allowHosts', hostPatternOf('allowCidrs')),
    denyHosts: list('denyHosts', hostPatternOf('denyCidrs')),
    allowPorts: list('allowPorts', portOf),
    denyPorts: list('denyPorts', portOf),
  }
}

function portOf(value: unknown, path: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > 65_535)
    throw optionError(path, 'must be a port from 1 to 65535')
  return value
}
