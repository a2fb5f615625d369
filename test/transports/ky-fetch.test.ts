import { kyTransport } from '../../src/transports/ky.ts'
import { transportContract } from './contract.ts'

transportContract({
  name: 'kyTransport over fetch',
  create: () => kyTransport({ fetch: globalThis.fetch }),
  overFetch: true,
})
