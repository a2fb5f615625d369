/** Random claims: of everything, in bites, of some tenants or subscriptions only, of suspects alone; and what ends them. */
import assert from 'node:assert/strict'
import type { JsonObject } from '../../../model.ts'
import { tenantBucket } from '../../../patterns.ts'
import type { Claimed, ClaimRequest } from '../../../queries.ts'
import type { Claim, Work } from '../../../records.ts'
import type { Store } from '../../../store.ts'
import {
  both,
  did,
  keepClaimed,
  MANY,
  type Operation,
  once,
  pick,
  pickTaken,
  type Run,
  settled,
  subscriptionsOf,
  type Taken,
  TENANTS,
} from './run.ts'

const everything = {
  leaseMs: 30_000,
  limit: MANY,
  perTenant: MANY,
  perSubscription: MANY,
  shares: new Map<string, number>(),
  alone: false,
}

async function claimOnce(run: Run, parts: Partial<ClaimRequest> = {}): Promise<Claimed> {
  const request = { ...everything, token: run.lab.unique('token'), ...parts }
  const [answer, wanted] = [await run.store.claim(request), await run.model.claim(request)]
  assert.equal(answer.suspects, wanted.suspects, 'suspects')
  const floor = (at: number | null) => (at === null ? null : Math.floor(at))
  assert.equal(floor(answer.nextDueAt), floor(wanted.nextDueAt), 'nextDueAt')
  for (const tenantId of answer.versions.keys())
    assert.equal(answer.versions.get(tenantId), await run.lab.version(tenantId), 'version')
  keepClaimed(run, answer.work, wanted.work)
  return answer
}

async function claim(run: Run): Promise<void> {
  await claimOnce(run, { leaseMs: pick(run, [30_000, 30_000, 3_000]) })
}

/** Which rows a bite takes is a free choice; what all of them take together is not. */
async function inBites(
  run: Run,
  parts: Partial<ClaimRequest>,
  isFull: (work: readonly Work[]) => boolean,
): Promise<number> {
  const token = run.lab.unique('token')
  const take = async (store: Store<unknown>) => {
    const work: Work[] = []
    for (;;) {
      const bite = (await store.claim({ ...everything, ...parts, token: `${token} ${work.length}` })).work
      assert.ok(!isFull(bite), 'a claim takes no more than it was asked for')
      if (bite.length === 0) return work
      work.push(...bite)
    }
  }
  const [work, wanted] = [await take(run.store), await take(run.model as Store<unknown>)]
  keepClaimed(run, work, wanted)
  return work.length
}

async function claimInBites(run: Run): Promise<void> {
  const [limit, share] = [run.between(2, 4), run.between(1, 2)]
  const shares = new Map([[pick(run, ['sub-a', 'sub-b']), share]])
  const lostOnce = run.between(1, 3)
  const parts = { limit, perTenant: run.between(1, 2), perSubscription: 2, shares, lostOnce }
  const rows = await inBites(run, parts, (work) => {
    const counts = new Map<string, number>()
    for (const one of work) {
      const id = one.kind === 'delivery' ? one.delivery.subscriptionId : null
      if (id === null) continue
      const lane = `${one.tenantId} ${id}`
      counts.set(lane, (counts.get(lane) ?? 0) + 1)
      if ((counts.get(lane) ?? 0) > (shares.get(id) ?? 2)) return true
    }
    return work.length > limit || work.filter(({ lostClaims }) => lostClaims > 0).length > lostOnce
  })
  did(run, 'claimed in bites', rows)
}

/** Leaves subscriptions out, or whole tenants. */
async function claimSome(run: Run): Promise<void> {
  const bucket = tenantBucket(pick(run, TENANTS))
  const ids = [...new Set((await subscriptionsOf(run)).map(({ id }) => id))]
  const left = new Map(ids.filter(() => once(run, 2)).map((id) => [id, 0]))
  const parts = once(run, 2) ? { buckets: { from: bucket, to: bucket } } : { shares: left }
  const { work } = await claimOnce(run, parts)
  const due = (await run.model.backlog({ tenant: TENANTS })).due
  did(run, 'claimed some', Math.min(work.length, due - work.length))
}

/** Loses two claims of what is due, so that it is suspect, and claims it alone. */
async function claimAlone(run: Run): Promise<void> {
  const [one, other] = [
    await run.model.backlog({ tenant: 'acme' }),
    await run.model.backlog({ tenant: 'globex' }),
  ]
  const isFewer = one.due > 0 && (one.due <= other.due || other.due === 0)
  const bucket = tenantBucket(isFewer ? 'acme' : 'globex')
  const buckets = { from: bucket, to: bucket }
  for (let claims = 0; claims < 2; claims++) {
    await claimOnce(run, { buckets, leaseMs: 1_000 })
    await run.lab.advance(1_000)
  }
  const rows = await inBites(run, { buckets, alone: true, leaseMs: 2_000 }, (work) => work.length > 1)
  did(run, 'claimed alone', rows)
}

/** Does something to claims on both. */
async function toTaken(
  run: Run,
  taken: readonly Taken[],
  operate: (store: Store<unknown>, claims: readonly Claim[]) => Promise<number>,
): Promise<number> {
  const done = await operate(
    run.store,
    taken.map(({ work }) => work.claim),
  )
  const wanted = await operate(
    run.model as Store<unknown>,
    taken.map(({ claim: model }) => model),
  )
  assert.equal(done, wanted)
  return done
}

/** Some claims, each once. */
function some(run: Run, most: number): readonly Taken[] {
  const taken = Array.from({ length: run.between(1, most) }, () => pickTaken(run))
  return [...new Set(taken)].filter((one) => one !== undefined)
}

async function finish(run: Run): Promise<void> {
  const taken = some(run, 6)
  did(run, 'finished', await toTaken(run, taken, (store, claims) => store.finish(claims)))
  for (const one of taken) if (one.work.kind !== 'delivery') settled(run, one)
}

async function handBack(run: Run): Promise<void> {
  const taken = some(run, 3)
  const delayMs = pick(run, [0, 1_500])
  const progress = { done: run.between(1, 9) }
  const jobs = taken.map(({ work }): { readonly job?: JsonObject } =>
    work.kind === 'job' ? { job: { ...work.job, ...progress } } : {},
  )
  const back = await toTaken(run, taken, (store, claims) =>
    store.handBack(claims.map((held, at) => ({ claim: held, delayMs, ...jobs[at] }))),
  )
  did(run, 'handed back', back)
  for (const one of taken) settled(run, one)
}

async function leaveOrder(run: Run): Promise<void> {
  did(run, 'left the order', await toTaken(run, some(run, 3), (store, claims) => store.leaveOrder(claims)))
}

async function split(run: Run): Promise<void> {
  const taken =
    pick(run, [undefined, ...run.held.filter(({ work }) => work.kind === 'event')]) ?? pickTaken(run)
  if (taken === undefined) return
  const { work } = taken
  const { after = null, upTo = null } = work.kind === 'event' ? work : {}
  const cut = pick(run, ['sub-a', 'sub-b', 'sub-c'])
  const inside = (after === null || after < cut) && (upTo === null || cut < upTo)
  const ranges = [{ after, upTo: inside ? cut : upTo }, ...(inside ? [{ after: cut, upTo }] : [])]
  const done = await toTaken(run, [taken], async (store, [held]) =>
    held === undefined ? 0 : Number(await store.split(held, ranges)),
  )
  did(run, 'split', done)
  if (work.kind === 'event') {
    settled(run, taken)
    await both(run, (store) => store.expanded(work.tenantId, work.event.id, { after, upTo }))
  }
}

/** As often as they are drawn. */
export const claimOperations: readonly Operation[] = [
  ['claim', claim],
  ['claim', claim],
  ['claim', claim],
  ['claim in bites', claimInBites],
  ['claim some', claimSome],
  ['claim some', claimSome],
  ['claim alone', claimAlone],
  ['finish', finish],
  ['finish', finish],
  ['finish', finish],
  ['hand back', handBack],
  ['hand back', handBack],
  ['leave the order', leaveOrder],
  ['split', split],
  ['split', split],
]
