/** The random operations of the kit are worth their time: together its sequences do everything that they can. */
import { expect, test } from 'vitest'
import { createLab } from '../../src/testing/store-conformance/lab.ts'
import { compareWithModel } from '../../src/testing/store-conformance/random-model.ts'
import { makeMemoryStore } from './memory-store.ts'

const fields = [
  'condition',
  'description',
  'disabledReason',
  'events',
  'headers',
  'metadata',
  'name',
  'pausedBy',
]
const EFFECTS = [
  ...[...fields, 'rotate', 'secrets', 'settings', 'state', 'url'].map((field) => `${field} changed`),
  ...['subscription inserted', 'subscription deleted', 'cancelled by a delete'],
  ...['event appended', 'addressee stored', 'appended already claimed'],
  ...['transaction committed', 'transaction rolled back'],
  ...['event', 'delivery', 'job'].map((kind) => `${kind} claimed`),
  ...['claimed after a lost claim', 'claimed alone', 'claimed in bites', 'claimed some'],
  ...['succeeded', 'failed', 'cancelled', 'pending', 'held'].map((state) => `recorded as ${state}`),
  ...['recorded with the last one', 'ended late', 'finished', 'handed back', 'left the order', 'split'],
  ...['none', 'subscription', 'key'].map((ordering) => `released, ordering ${ordering}`),
  ...['held', 'released at a rate', 'released into slots', 'expired', 'cancelled'],
  ...['opened again', 'redelivered at once', 'replayed', 'destination replaced'],
  ...['job added', 'job ended', 'events pruned', 'bodies pruned', 'keys pruned', 'tenant erased', 'waited'],
]
const REFUSALS = [
  ...['conflict', 'duplicate', 'gone', 'id taken', 'late', 'limit reached', 'no job', 'nothing to change'],
  ...['nothing to redeliver', 'pruned', 'repeated', 'still held'],
  ...['exists', 'null', 'pruned', 'waiting'].map((answer) => `replay: ${answer}`),
]

const words = (all: readonly string[]) => [...new Set(all)].sort()

test('the random operations do all they can, and are refused what must be', async () => {
  const came = []
  for (let seed = 1; seed <= 12; seed++)
    came.push(await compareWithModel(createLab(await makeMemoryStore()), seed, 120))
  expect(words(came.flatMap(({ effects }) => effects))).toEqual(words(EFFECTS))
  expect(words(came.flatMap(({ refusals }) => refusals))).toEqual(words(REFUSALS))
})

test('a seed makes the same sequence again', async () => {
  const [one, other] = [
    await compareWithModel(createLab(await makeMemoryStore()), 5, 60),
    await compareWithModel(createLab(await makeMemoryStore()), 5, 60),
  ]
  expect(other).toEqual(one)
})
