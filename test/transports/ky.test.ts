import { kyTransport } from '../../src/transports/ky.ts'
import { transportContract } from './contract.ts'

transportContract({
  name: 'kyTransport over undici',
  create: ({ ca, ...options }) => kyTransport({ ...options, tls: { ca } }),
})
