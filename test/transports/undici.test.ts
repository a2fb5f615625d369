import { undiciTransport } from '../../src/transports/undici.ts'
import { transportContract } from './contract.ts'

transportContract({
  name: 'undiciTransport',
  create: ({ ca, ...options }) => undiciTransport({ ...options, tls: { ca } }),
})
