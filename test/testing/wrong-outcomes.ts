/** Deliberately wrong stores: what each gets wrong about outcomes. */
import type { Flaw } from './wrong-jobs.ts'

/** See the file's header. */
export const wrongOutcomes: Readonly<Record<string, Flaw>> = {
  'record ignores the token': (right) => {
    const tokens = new Map<string, string>()
    return {
      async claim(request) {
        const claimed = await right.claim(request)
        for (const { claim } of claimed.work) tokens.set(claim.row, claim.token)
        return claimed
      },
      record: (outcomes) =>
        right.record(
          outcomes.map((outcome) => {
            const token = tokens.get(outcome.claim.row) ?? outcome.claim.token
            return { ...outcome, claim: { ...outcome.claim, token } }
          }),
        ),
    }
  },
  'attempts are counted wrong': (right) => ({
    async record(outcomes) {
      const results = await right.record(outcomes)
      return results.map((result) => ({
        ...result,
        attempt: result.attempt && { ...result.attempt, number: result.attempt.number + 1 },
      }))
    },
  }),
  'an ended delivery is opened by a late outcome': (right) => ({
    async record(outcomes) {
      for (const { tenantId, delivery, next } of outcomes) {
        const stored = await right.getDelivery(tenantId, delivery.id)
        const reopen = stored?.state === 'failed' && next.state !== 'failed'
        if (reopen) await right.redeliver(tenantId, delivery.id, { trigger: 'retry', maxAgeMs: 1000 })
      }
      return right.record(outcomes)
    },
  }),
  'a late success is dropped': (right) => ({
    async record(outcomes) {
      const results = []
      for (const outcome of outcomes) {
        const late = outcome.claim.token === 'forged' && outcome.next.state === 'succeeded'
        if (late) results.push({ result: 'late', delivery: null, attempt: null } as const)
        else results.push(...(await right.record([outcome])))
      }
      return results
    },
  }),
  'a late success does not say that it ended its delivery': (right) => ({
    record: async (outcomes) =>
      (await right.record(outcomes)).map(({ ended: _untold, ...recorded }) => recorded),
  }),
  'the last outcome ends its claim before others of the call': (right) => ({
    async record(outcomes) {
      const results = []
      for (const outcome of outcomes) results.push(...(await right.record([outcome])))
      return results
    },
  }),
  'an outcome under a taken id is told as one of a deleted event': (right) => ({
    record: async (outcomes) =>
      (await right.record(outcomes)).map((recorded) =>
        recorded.result === 'taken' ? { ...recorded, result: 'gone' } : recorded,
      ),
  }),
  'an outcome under a taken id goes to the delivery that has it': (right) => ({
    async record(outcomes) {
      const results = []
      for (const outcome of outcomes) {
        const { tenantId, delivery } = outcome
        const { eventId, subscriptionId } = (await right.getDelivery(tenantId, delivery.id)) ?? {
          ...outcome,
          ...delivery,
        }
        const given = { ...outcome, eventId, delivery: { ...delivery, subscriptionId } }
        results.push(...(await right.record([given])))
      }
      return results
    },
  }),
}
