/**
 * `sealedSecrets()`: AES-256-GCM over Web Crypto, for hosts without a key service. A sealed text names its key, so that
 * keys can be replaced one after the other, and is bound to its tenant, its subscription and its purpose.
 */
import { PosthornError } from '../errors.ts'
import { refuseUnknownOptions } from '../input/known-keys.ts'
import { SEALED, type SealContext, type Sealer, unreadable } from '../sealing.ts'
import { bytesFrom, textFrom } from './base64url.ts'

/** Options of `sealedSecrets`. */
export interface SealedSecretsOptions {
  /**
   * Keys of 32 random bytes, as bytes, base64 or hexadecimal (`openssl rand -base64 32`). The first one seals, all of
   * them open. To replace a key: put the new one first in every process, call `resealSecrets()` until it reseals nothing
   * more, and take the old one out.
   */
  readonly keys: readonly (string | Uint8Array)[]
  /**
   * Accept texts that were stored before there were keys. Switch it off once `resealSecrets()` has sealed them: from
   * then on nobody who can write to the database can put in a secret of their own. @default true
   */
  readonly acceptUnsealed?: boolean
}

interface SealingKey {
  /** The first 8 bytes of the key's SHA-256, in base64url: says which key, and nothing about it. */
  readonly id: string
  readonly key: CryptoKey
}

const IV_BYTES = 12

/**
 * Seals with AES-256-GCM: `posthorn-sealed.<key id>.<iv, ciphertext and tag>`.
 *
 * @throws PosthornError INVALID_OPTION for an unknown option or a key that is none
 * @example
 * createWebhooks({ store, secrets: sealedSecrets({ keys: [process.env.POSTHORN_KEY!] }) })
 */
export function sealedSecrets(options: SealedSecretsOptions): Sealer {
  refuseUnknownOptions('sealedSecrets({ keys })', options, { keys: true, acceptUnsealed: true })
  const { keys, acceptUnsealed = true } = options
  const raw = keysOf(keys)
  let current = ''
  let imported: Promise<ReadonlyMap<string, SealingKey>> | undefined

  async function ring(): Promise<ReadonlyMap<string, SealingKey>> {
    imported ??= Promise.all(raw.map(importKey)).then((all) => {
      current = all[0]?.id ?? ''
      return new Map(all.map((one) => [one.id, one]))
    })
    return imported
  }

  return {
    async seal(plain, context) {
      const key = (await ring()).get(current)
      if (key === undefined) throw unreadable('there is no key to seal with')
      const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES))
      const sealed = await crypto.subtle.encrypt(algorithm(iv, context), key.key, encoder.encode(plain))
      const bytes = new Uint8Array(IV_BYTES + sealed.byteLength)
      bytes.set(iv)
      bytes.set(new Uint8Array(sealed), IV_BYTES)
      return `${SEALED}${key.id}.${textFrom(bytes)}`
    },
    async open(sealed, context) {
      if (!sealed.startsWith(SEALED)) {
        if (acceptUnsealed) return sealed
        throw unreadable('it is not sealed, and `acceptUnsealed` is off')
      }
      const [id = '', text = ''] = sealed.slice(SEALED.length).split('.')
      const key = (await ring()).get(id)
      if (key === undefined)
        throw unreadable(`it was sealed with the key "${id.slice(0, 16)}", which is not among \`keys\``)
      try {
        const bytes = bytesFrom(text)
        const iv = bytes.slice(0, IV_BYTES)
        const plain = await crypto.subtle.decrypt(algorithm(iv, context), key.key, bytes.slice(IV_BYTES))
        return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plain)
      } catch {
        throw unreadable('it was changed, or belongs to another tenant or subscription')
      }
    },
    isCurrent: (sealed) => current !== '' && sealed.startsWith(`${SEALED}${current}.`),
  }
}

const encoder = new TextEncoder()

function algorithm(
  iv: Uint8Array<ArrayBuffer>,
  { purpose, tenantId, subscriptionId }: SealContext,
): AesGcmParams {
  return {
    name: 'AES-GCM',
    iv,
    additionalData: encoder.encode(JSON.stringify([purpose, tenantId, subscriptionId])),
  }
}

async function importKey(bytes: Uint8Array<ArrayBuffer>): Promise<SealingKey> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return {
    id: textFrom(digest.slice(0, 8)),
    key: await crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt']),
  }
}

function keysOf(keys: unknown): readonly Uint8Array<ArrayBuffer>[] {
  const refuse = (path: string, message: string) =>
    new PosthornError('INVALID_OPTION', `sealedSecrets: ${path} ${message}`, { path })
  if (!Array.isArray(keys) || keys.length < 1 || keys.length > 100)
    throw refuse('keys', 'must be a list of 1 to 100 keys, the current one first')
  const all = keys.map((key: unknown, index) => {
    const bytes = keyOf(key)
    if (bytes?.length !== 32)
      throw refuse(`keys[${index}]`, 'must be 32 bytes, in base64 or hexadecimal: `openssl rand -base64 32`')
    return bytes
  })
  if (new Set(all.map((key) => textFrom(key))).size < all.length)
    throw refuse('keys', 'has the same key twice')
  return all
}

function keyOf(key: unknown): Uint8Array<ArrayBuffer> | null {
  if (key instanceof Uint8Array) return new Uint8Array(key)
  if (typeof key !== 'string') return null
  if (/^[\da-fA-F]{64}$/.test(key))
    return Uint8Array.from(key.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))
  return /^[\w+/-]{43}=?$/.test(key) ? bytesFrom(key.replace('=', '')) : null
}
