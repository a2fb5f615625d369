/** Random upkeep: bulk jobs, pruning, erasing, and time. */
import assert from 'node:assert/strict'
import { anyTenant, type TenantScope } from '../../../model.ts'
import type { StoredJob } from '../../../records.ts'
import type { Store } from '../../../store.ts'
import { both, did, MANY, type Operation, once, pick, type Run, refused, TENANTS } from './run.ts'
import { insertSubscription } from './subscriptions.ts'

async function addJob(run: Run): Promise<void> {
  const tenantId = pick(run, TENANTS)
  const job = { name: run.lab.unique('job'), state: 'running', done: 0 }
  const [store, model] = [await run.store.addJob(tenantId, job), await run.model.addJob(tenantId, job)]
  run.jobs.push({ tenantId, store, model })
  did(run, 'job added')
}

/** Without the id, which is its store's own. */
const withoutId = (job: StoredJob): Partial<StoredJob> => ({ ...job, id: '' })

async function endJob(run: Run): Promise<void> {
  const last = run.jobs.at(-1)
  if (last === undefined || (await run.model.getJob(anyTenant, last.model)) === null) await addJob(run)
  const ids = once(run, 3) ? pick(run, run.jobs) : (run.jobs.at(-1) ?? pick(run, run.jobs))
  const scope = pick<TenantScope>(run, [anyTenant, ids.tenantId, 'acme'])
  const end = {
    states: pick(run, [['running'], ['other', 'running'], ['other']]),
    fields: { state: 'ended' },
    delayMs: 4_000,
  }
  const idIn = (store: Store<unknown>) => (store === run.store ? ids.store : ids.model)
  const ended = await both(run, async (store) => {
    const answer = await store.endJob(scope, idIn(store), end)
    return answer === null || answer === 'conflict' ? answer : withoutId(answer)
  })
  if (ended === null || ended === 'conflict') refused(run, ended ?? 'no job')
  else did(run, 'job ended')
  await both(run, async (store) => {
    const job = await store.getJob(scope, idIn(store))
    return job === null ? null : withoutId(job)
  })
}

async function prune(run: Run): Promise<void> {
  const [few, all] = [run.between(1, 3), MANY]
  const request = pick(run, [
    { finishedAgeMs: 60_000, bodyAgeMs: 30_000, keyAgeMs: 30_000, limit: all },
    { bodyAgeMs: 20_000, limit: few },
    { bodyAgeMs: 5_000, limit: few },
    { keyAgeMs: 5_000, limit: few },
    { finishedAgeMs: 30_000, limit: few },
  ])
  const pruned = await both(run, async (store) => {
    const sum = { events: 0, bodies: 0, keys: 0 }
    for (;;) {
      const { events, bodies, keys } = await store.prune(request)
      assert.ok(Math.max(events, bodies, keys) <= request.limit, 'prune keeps to its limit')
      if (events + bodies + keys === 0) return sum
      sum.events += events
      sum.bodies += bodies
      sum.keys += keys
    }
  })
  for (const what of ['events', 'bodies', 'keys'] as const) did(run, `${what} pruned`, pruned[what])
}

/** One tenant in several steps, rarely twice; then it begins anew. */
async function erase(run: Run): Promise<void> {
  if (run.effects.includes('tenant erased') && !once(run, 3)) return
  await both(run, async (store) => {
    while (!(await store.eraseTenant('globex', 3)));
  })
  did(run, 'tenant erased')
  await insertSubscription(run, 'globex', 'sub-a')
  await insertSubscription(run, 'globex', 'sub-b')
}

async function wait(run: Run): Promise<void> {
  await run.lab.advance(pick(run, [1, 200, 2_500, 4_000, 4_000, 31_000]))
  did(run, 'waited')
}

/** As often as they are drawn. */
export const upkeepOperations: readonly Operation[] = [
  ['add a job', addJob],
  ['end a job', endJob],
  ['end a job', endJob],
  ['prune', prune],
  ['prune', prune],
  ['prune', prune],
  ['erase', erase],
  ...Array.from({ length: 6 }, (): Operation => ['wait', wait]),
]
