/** Jobs in the queue that this version cannot go on with: what the operator is told of them, and that nothing is done for them. */
import { expect, it } from 'vitest'
import { newJob } from '../../src/delivery/jobs/job.ts'
import type { JsonObject } from '../../src/model.ts'
import { failures } from './failures.ts'

const whole = newJob('retryAll', {}, Date.UTC(2027, 0, 1)) as unknown as JsonObject

/** A receiver that failed once, and a job of this content; what was told when a worker has had it. */
async function worked(job: JsonObject) {
  const problems: string[] = []
  const made = await failures(1, { hooks: { problem: ({ error }) => problems.push(error.message) } })
  const id = await made.store.addJob('acme', job)
  await made.webhooks.drain()
  const stored = await made.store.getJob('acme', id)
  return { ...made, id, stored: stored?.job, problems }
}

it.each(['kind', 'state'])('tells of a `%s` that it does not know, and which', async (name) => {
  const job = { ...whole, [name]: 'fly' }
  const { id, stored, problems, sentAgain } = await worked(job)
  expect(problems).toEqual([
    `The job ${id} has a ${name} that this version does not know ("fly"), most likely of a newer version; it is left in the queue.`,
  ])
  expect([stored, sentAgain()]).toEqual([job, []])
})

it('takes a job with an unknown kind for one of a newer version, whatever else it has', async () => {
  const { problems } = await worked({ kind: 'fly', state: 'running' })
  expect(problems).toEqual([expect.stringContaining('most likely of a newer version')])
})

it.each<[string, JsonObject]>([
  ['kind', {}],
  ['kind', { ...whole, kind: 5 }],
  ['state', { ...whole, state: null }],
  ['order', { ...whole, order: null }],
  ['looked', { ...whole, looked: 'many' }],
  ['message', { ...whole, message: 5 }],
  ['endedAt', { ...whole, endedAt: 'never' }],
  ['stuck', { ...whole, stuck: null }],
  ['cursor', { ...whole, cursor: 'x' }],
  ['cursor', { ...whole, cursor: { at: 1 } }],
  ['cursor', { ...whole, cursor: { at: '1', id: 'dlv_1' } }],
])('tells that a job is damaged in its `%s`, and blames no newer version', async (field, job) => {
  const { id, stored, problems, sentAgain } = await worked(job)
  expect(problems).toEqual([
    `The job ${id} is damaged in its field \`${field}\`, so nobody can go on with it; remove its row from the queue and start the job anew.`,
  ])
  expect([stored, sentAgain()]).toEqual([job, []])
})

it('goes on with a job that is whole', async () => {
  const cursor = { at: 0, id: 'dlv_0' }
  const { problems, sentAgain } = await worked({ ...whole, cursor })
  expect(problems).toEqual([])
  expect(sentAgain()).toHaveLength(1)
})
