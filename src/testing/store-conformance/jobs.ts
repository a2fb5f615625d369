/** Cases: bulk jobs: their progress, their list, and how they are ended from outside. */
import assert from 'node:assert/strict'
import type { JobFilter, Page } from '../../lists.ts'
import { anyTenant, type JsonObject, type TenantScope } from '../../model.ts'
import type { JobWork, StoredJob } from '../../records.ts'
import type { CaseGroup } from './case.ts'
import { type Lab, LEASE_MS, TENANT } from './lab.ts'

const DAY = 86_400_000
const running = { kind: 'replay', state: 'running', cursor: null }
const stop = { states: ['running'], fields: { state: 'stopped', endedAt: 5 }, delayMs: DAY }

async function claimJob({ claim }: Lab, parts: Parameters<Lab['claim']>[0] = {}): Promise<JobWork> {
  const found = (await claim(parts)).work.find((work) => work.kind === 'job')
  assert.ok(found?.kind === 'job', 'a due, unclaimed job is claimed')
  return found
}

/** The work of a job that is added and claimed at once. */
async function addClaimed(lab: Lab, job: JsonObject = running): Promise<JobWork> {
  const row = await lab.store.addJob(TENANT, job)
  const work = await claimJob(lab)
  assert.equal(work.claim.row, row)
  return work
}

async function jobOf({ store }: Lab, id: string, scope: TenantScope = TENANT): Promise<StoredJob> {
  const job = await store.getJob(scope, id)
  assert.ok(job, 'the job is stored')
  return job
}

/** Pages through jobs by key. */
async function allJobs({ store }: Lab, filter: JobFilter, order: Page['order']): Promise<StoredJob[]> {
  const seen: StoredJob[] = []
  for (let turn = 0; turn < 50; turn++) {
    const last = seen.at(-1)
    const after = last === undefined ? {} : { after: { at: last.addedAt, id: String(last.number) } }
    const { rows } = await store.listJobs(filter, { limit: 3, ...(order ? { order } : {}), ...after })
    if (rows.length === 0) return seen
    seen.push(...rows)
  }
  throw new Error('paging does not end')
}

const ids = (jobs: readonly StoredJob[]) => jobs.map(({ id }) => id)
const page = { limit: 100 }

/** See the file's header. */
export const jobCases: CaseGroup = {
  group: 'jobs',
  cases: [
    {
      name: 'a job is due at once and goes on with its progress',
      must: 'a job may carry its progress',
      async run(lab) {
        const { store } = lab
        const row = await store.addJob(TENANT, running)
        const work = await claimJob(lab)
        assert.deepEqual([work.claim.row, work.tenantId, work.job], [row, TENANT, running])
        const added = await jobOf(lab, row)
        assert.deepEqual([added.id, added.tenantId, added.job], [row, TENANT, running])
        assert.ok(Number.isSafeInteger(added.number) && added.number > 0, 'its number is a positive integer')
        const progress = { state: 'running', cursor: 'x' }
        await store.handBack([{ claim: work.claim, delayMs: 0, job: progress }])
        const next = await claimJob(lab)
        assert.deepEqual(next.job, progress)
        assert.deepEqual(await jobOf(lab, row), { ...added, job: progress })
        assert.deepEqual(await jobOf(lab, row, anyTenant), { ...added, job: progress })
        assert.equal(await store.getJob('other', row), null)
        assert.equal(await store.getJob(TENANT, 'none'), null)
        assert.equal(await store.finish([next.claim]), 1)
        assert.equal(await store.getJob(TENANT, row), null)
        assert.deepEqual((await store.listJobs({ tenant: TENANT }, page)).rows, [])
        assert.equal((await lab.claim()).nextDueAt, null)
        const [one, other] = [await addClaimed(lab), await addClaimed(lab)]
        const entries = [
          { claim: other.claim, delayMs: DAY, job: { n: 1 } },
          { claim: one.claim, delayMs: 0 },
        ]
        assert.equal(await store.handBack(entries), 2)
        assert.deepEqual((await jobOf(lab, other.claim.row)).job, { n: 1 })
        assert.deepEqual((await claimJob(lab)).job, running, 'without progress it stays as it was')
      },
    },
    {
      name: 'jobs are listed in the order in which they were added, page by page',
      must: 'by (addedAt, number); page.after.id is a number as text',
      async run(lab) {
        const { store } = lab
        const added: string[] = []
        for (let n = 0; n < 11; n++) added.push(await store.addJob(TENANT, { ...running, cursor: n }))
        const filter = { tenant: TENANT }
        const oldest = await allJobs(lab, filter, 'oldest')
        assert.deepEqual(ids(oldest), added)
        for (const job of oldest) assert.deepEqual(job, await jobOf(lab, job.id))
        assert.deepEqual(ids(await allJobs(lab, filter, undefined)), [...added].reverse())
        const part = await store.listJobs(filter, { limit: 4, offset: 9, order: 'oldest', total: true })
        assert.deepEqual([ids(part.rows), part.total], [added.slice(9), 11])
        assert.equal((await store.listJobs(filter, page)).total, null)
      },
    },
    {
      name: 'jobs are listed whether they wait, are claimed or have ended, and by their state',
      must: "that are in the queue, claimed ones and ended ones too; the job's field state is exactly this text",
      async run(lab) {
        const { store } = lab
        const states = ['running', 'failed', 'running', 'Running', 'running']
        const added: string[] = []
        for (const state of states) added.push(await store.addJob(TENANT, { ...running, state }))
        await lab.publish()
        await claimJob(lab, { limit: 2 })
        await store.endJob(TENANT, added[2] ?? '', stop)
        const of = async (state: string, more: object = {}) =>
          ids((await store.listJobs({ tenant: TENANT, state }, { ...page, order: 'oldest', ...more })).rows)
        assert.deepEqual(ids(await allJobs(lab, { tenant: TENANT }, 'oldest')), added)
        assert.deepEqual(await of('running'), [added[0], added[4]])
        assert.deepEqual(await of('stopped'), [added[2]])
        assert.deepEqual(await of('run'), [])
        assert.deepEqual(await of('running', { limit: 1, offset: 1 }), [added[4]])
        assert.deepEqual(ids(await allJobs(lab, { tenant: TENANT, state: 'running' }, undefined)), [
          added[4],
          added[0],
        ])
        const counted = await store.listJobs(
          { tenant: TENANT, state: 'running' },
          { limit: 1, total: true, after: { at: (await jobOf(lab, added[0] ?? '')).addedAt - 1, id: '1' } },
        )
        assert.equal(counted.total, 2, 'all matching rows are counted, those before the page too')
      },
    },
    {
      name: 'a tenant neither sees nor ends the jobs of another',
      must: "rows of another tenant than the scope's do not exist; one, several, or every",
      async run(lab) {
        const { store } = lab
        const id = { a: await store.addJob('a', running), b: await store.addJob('b', running), c: '' }
        id.c = await store.addJob('c', running)
        const of = async (tenant: JobFilter['tenant']) =>
          ids((await store.listJobs({ tenant }, { ...page, order: 'oldest' })).rows)
        assert.deepEqual(await of('b'), [id.b])
        assert.deepEqual(await of(['a', 'c', 'none', 'a']), [id.a, id.c])
        assert.deepEqual(await of([]), [])
        assert.deepEqual(await of('none'), [])
        assert.deepEqual(await of(anyTenant), [id.a, id.b, id.c])
        assert.equal(await store.endJob('b', id.a, stop), null)
        assert.deepEqual((await jobOf(lab, id.a, 'a')).job, running)
        const ended = await store.endJob(anyTenant, id.a, stop)
        assert.ok(ended !== null && ended !== 'conflict', 'any tenant is in the scope of anyTenant')
        assert.deepEqual([ended.id, ended.tenantId], [id.a, 'a'])
      },
    },
    {
      name: 'a waiting job that is ended keeps its other fields and is not claimed until it is due',
      must: 'sets end.fields, leaves its other fields as they were last handed back; unclaimed, due delayMs from now',
      needs: ['clock'],
      async run(lab) {
        const { store } = lab
        const work = await addClaimed(lab, { ...running, endedAt: { old: [1] } })
        const progress = { ...running, cursor: { at: 1 }, endedAt: { old: [1] } }
        await store.handBack([{ claim: work.claim, delayMs: 0, job: progress }])
        const before = await jobOf(lab, work.claim.row)
        const fields = { state: 'stopped', endedAt: null }
        const ended = await store.endJob(TENANT, work.claim.row, { ...stop, fields })
        const job = { ...progress, state: 'stopped', endedAt: null }
        assert.deepEqual(ended, { ...before, job })
        assert.deepEqual(await jobOf(lab, work.claim.row), { ...before, job })
        assert.equal((await lab.claim()).work.length, 0)
        await lab.advance(DAY - 1000)
        assert.equal((await lab.claim()).work.length, 0)
        await lab.advance(1001)
        const last = await claimJob(lab)
        assert.deepEqual(last.job, job)
        assert.equal(await store.finish([last.claim]), 1)
      },
    },
    {
      name: 'who has claimed a job that is ended has lost it',
      must: 'whoever had it claimed has lost the claim: what it hands back changes nothing',
      needs: ['clock'],
      async run(lab) {
        const { store } = lab
        const { claim } = await addClaimed(lab)
        const ended = await store.endJob(TENANT, claim.row, stop)
        assert.ok(ended !== null && ended !== 'conflict', 'a claimed job is ended')
        assert.equal(await store.handBack([{ claim, delayMs: 0, job: { ...running, cursor: 'x' } }]), 0)
        assert.equal(await store.handBack([{ claim, delayMs: 0 }]), 0)
        assert.equal(await store.finish([claim]), 0)
        assert.deepEqual(await jobOf(lab, claim.row), ended)
        await lab.advance(LEASE_MS + 1)
        assert.equal((await lab.claim()).work.length, 0, 'the end of the old lease makes it no sooner due')
      },
    },
    {
      name: 'a job in another state is not ended, and its claim holds',
      must: "'conflict' when its state was another",
      async run(lab) {
        const { store } = lab
        const row = await store.addJob(TENANT, running)
        assert.notEqual(await store.endJob(TENANT, row, stop), 'conflict')
        const stopped = await jobOf(lab, row)
        const fields = { state: 'failed', endedAt: 6 }
        assert.equal(await store.endJob(TENANT, row, { ...stop, fields }), 'conflict')
        assert.equal(await store.endJob(TENANT, row, { ...stop, states: [] }), 'conflict')
        assert.deepEqual(await jobOf(lab, row), stopped)
        for (const job of [{ ...running, state: 'succeeded' }, { ...running, state: null }, {}]) {
          const { claim } = await addClaimed(lab, job)
          assert.equal(await store.endJob(TENANT, claim.row, stop), 'conflict')
          assert.deepEqual((await jobOf(lab, claim.row)).job, job)
          assert.equal(await store.handBack([{ claim, delayMs: DAY }]), 1)
        }
      },
    },
    {
      name: 'there is nothing to end without a job of this id',
      must: 'null when there is none of this id in scope',
      async run(lab) {
        const { store } = lab
        const event = await lab.publishClaimed()
        for (const id of ['', 'none', '0', '[]', '[1,"acme",""]', event.claim.row, '[null,"acme",""]'])
          assert.equal(await store.endJob(TENANT, id, stop), null)
        assert.equal(await store.finish([event.claim]), 1, 'the claim of the event holds')
        const { claim } = await addClaimed(lab)
        assert.equal(await store.finish([claim]), 1)
        assert.equal(await store.endJob(TENANT, claim.row, stop), null)
      },
    },
    {
      name: 'an ended job is suspect no more',
      must: 'its lost claims forgotten',
      needs: ['clock'],
      async run(lab) {
        const { store } = lab
        const row = await store.addJob(TENANT, running)
        for (const alone of [false, false, true]) {
          await claimJob(lab, { alone })
          await lab.advance(LEASE_MS + 1)
        }
        assert.equal((await lab.claim()).suspects, true)
        assert.notEqual(await store.endJob(TENANT, row, stop), 'conflict')
        assert.equal((await lab.claim()).suspects, false)
        await lab.advance(DAY + 1)
        const { lostClaims, lostAlone } = await claimJob(lab)
        assert.deepEqual([lostClaims, lostAlone], [0, 0])
      },
    },
    {
      name: 'of ending a job and handing it back at the same time one wins',
      must: 'the one that locks the row first wins',
      async run(lab) {
        const { store } = lab
        for (let turn = 0; turn < 20; turn++) {
          const { claim } = await addClaimed(lab)
          const done = { ...running, state: 'succeeded' }
          const handBack = () => store.handBack([{ claim, delayMs: DAY, job: done }])
          const end = () => store.endJob(TENANT, claim.row, stop)
          const [handed, ended] =
            turn % 2 === 0
              ? await Promise.all([handBack(), end()])
              : await Promise.all([end(), handBack()]).then(([one, other]) => [other, one] as const)
          const { state } = (await jobOf(lab, claim.row)).job
          assert.deepEqual(
            [handed, ended === 'conflict', state],
            handed === 1 ? [1, true, 'succeeded'] : [0, false, 'stopped'],
          )
        }
      },
    },
  ],
}
