/** Cases: rows whose claims end without an outcome. */
import assert from 'node:assert/strict'
import type { CaseGroup } from './case.ts'
import { dueNow, type Lab, LEASE_MS } from './lab.ts'

/** Makes the only queued row suspect: two claims without outcome. */
async function loseTwice({ claim, advance }: Lab): Promise<void> {
  for (let n = 0; n < 2; n++) {
    assert.equal((await claim()).work.length, 1)
    await advance(LEASE_MS + 1)
  }
}

/** See the file's header. */
export const quarantineCases: CaseGroup = {
  group: 'quarantine counts',
  cases: [
    {
      name: 'a row that lost two claims is left where it is, and claim says so',
      must: 'without alone, suspect rows are left where they are; suspects is true when they are due',
      needs: ['clock'],
      async run(lab) {
        await lab.publish()
        await loseTwice(lab)
        await lab.publish({ id: 'healthy' })
        const { work, suspects } = await lab.claim()
        assert.deepEqual(
          work.map((row) => row.kind === 'event' && row.event.id),
          ['healthy'],
        )
        assert.equal(suspects, true)
      },
    },
    {
      name: 'alone claims one suspect row and nothing else',
      must: 'claim one suspect row (lostClaims ≥ 2) and nothing else',
      needs: ['clock'],
      async run(lab) {
        await lab.publish({ id: 'poison' })
        await loseTwice(lab)
        await lab.publish()
        const { work } = await lab.claim({ alone: true })
        assert.equal(work.length, 1)
        const [row] = work
        assert.ok(row?.kind === 'event')
        assert.equal(row.event.id, 'poison')
        assert.deepEqual([row.lostClaims, row.lostAlone], [2, 0])
        assert.equal((await lab.claim({ alone: true })).work.length, 0)
      },
    },
    {
      name: 'only claims made alone count towards quarantine',
      must: 'those of them that were claimed alone',
      needs: ['clock'],
      async run(lab) {
        await lab.publish()
        await loseTwice(lab)
        for (let lostAlone = 0; lostAlone < 3; lostAlone++) {
          const { work, nextDueAt } = await lab.claim({ alone: true })
          const [row] = work
          assert.deepEqual([row?.lostClaims, row?.lostAlone], [2 + lostAlone, lostAlone])
          assert.equal(nextDueAt, null, 'nothing else was left')
          await lab.advance(LEASE_MS + 1)
        }
      },
    },
    {
      name: 'a claim that is handed back does not count, alone neither',
      must: 'counts each claim as lost until … it is handed back',
      needs: ['clock'],
      async run(lab) {
        await lab.publish()
        await loseTwice(lab)
        for (let n = 0; n < 3; n++) {
          const [row] = (await lab.claim({ alone: true })).work
          assert.ok(row)
          assert.deepEqual([row.lostClaims, row.lostAlone], [2, 0])
          assert.equal(await lab.store.handBack([{ claim: row.claim, delayMs: 0 }]), 1)
        }
      },
    },
    {
      name: 'a recorded outcome clears the lost claims of its row',
      must: "record clears the row's lost claims",
      needs: ['clock'],
      async run(lab) {
        await lab.subscribe()
        const { id } = await lab.deliver()
        await loseTwice(lab)
        const [row] = (await lab.claim({ alone: true })).work
        assert.ok(row?.kind === 'delivery')
        await lab.record(row, dueNow)
        const again = await lab.claimDelivery(id)
        assert.deepEqual([again.lostClaims, again.lostAlone], [0, 0])
      },
    },
    {
      name: 'alone finds nothing where no row is suspect',
      must: 'claim one suspect row and nothing else',
      async run({ publish, claim }) {
        await publish()
        assert.equal((await claim({ alone: true })).work.length, 0)
        assert.equal((await claim()).work.length, 1)
      },
    },
  ],
}
