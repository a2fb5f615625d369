/** Deliberately wrong stores: what each gets wrong about bulk jobs. */
import { anyTenant } from '../../src/model.ts'
import type { Store } from '../../src/store.ts'

/** A store with transactions of any kind. */
export type AnyStore = Store<unknown>

/** What is wrong with a store, made anew for each store. */
export type Flaw = (right: AnyStore) => Partial<AnyStore>

/** See the file's header. */
export const wrongJobs: Readonly<Record<string, Flaw>> = {
  'hand back forgets the progress of a job': (right) => ({
    handBack: (entries) => right.handBack(entries.map(({ claim, delayMs }) => ({ claim, delayMs }))),
  }),
  'a job of another tenant is shown': (right) => ({ getJob: (_scope, id) => right.getJob(anyTenant, id) }),
  'a job of another tenant is ended': (right) => ({
    endJob: (_scope, id, end) => right.endJob(anyTenant, id, end),
  }),
  'a list of jobs leaks another tenant': (right) => ({
    listJobs: (filter, page) => right.listJobs({ ...filter, tenant: anyTenant }, page),
  }),
  'a list of jobs ignores their state': (right) => ({
    listJobs: ({ tenant }, page) => right.listJobs({ tenant }, page),
  }),
  'paging jobs by key repeats rows': (right) => ({
    listJobs: (filter, { after: _after, ...page }) => right.listJobs(filter, page),
  }),
  'jobs are listed the wrong way round': (right) => ({
    listJobs: (filter, { order, ...page }) =>
      right.listJobs(filter, { ...page, order: order === 'oldest' ? 'newest' : 'oldest' }),
  }),
  'a job is ended whatever its state': (right) => ({
    async endJob(scope, id, end) {
      const stored = await right.getJob(scope, id)
      return right.endJob(scope, id, { ...end, states: [String(stored?.job.state)] })
    },
  }),
  'an ended job is due at once': (right) => ({
    endJob: (scope, id, end) => right.endJob(scope, id, { ...end, delayMs: 0 }),
  }),
  'a claimed job is not ended': (right) => {
    const claimed = new Set<string>()
    return {
      async claim(request) {
        const answer = await right.claim(request)
        for (const { claim } of answer.work) claimed.add(claim.row)
        return answer
      },
      endJob: async (scope, id, end) => (claimed.has(id) ? 'conflict' : right.endJob(scope, id, end)),
    }
  },
  'the progress of a job is lost when it is ended': (right) => ({
    async endJob(scope, id, end) {
      const fields = { ...end.fields, cursor: null }
      return right.endJob(scope, id, { ...end, fields })
    },
  }),
}
