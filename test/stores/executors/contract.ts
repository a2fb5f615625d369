/** What every driver's adapter must do, whatever the driver: one call per driver, over a table `orders (id, total)`. */
import { describe, expect, it } from 'vitest'
import type { Database, Executor } from '../../../src/stores/sql/executor.ts'

/** One driver under test. */
export interface DriverUnderTest<Tx> {
  readonly name: string
  readonly database: () => Database<Tx>
  /** Runs `work` in a transaction of the caller's: commits, or rolls back and rethrows. */
  readonly transaction: (work: (tx: Tx) => Promise<void>) => Promise<void>
  /** Statements with one placeholder after the other; `$1` on Postgres. */
  readonly placeholder?: (index: number) => string
}

const rolledBack = new Error('rolled back by the caller')

export function executorContract<Tx>(driver: DriverUnderTest<Tx>): void {
  const place = driver.placeholder ?? (() => '?')
  const insert = `insert into orders (id, total) values (${place(1)}, ${place(2)})`

  async function ids(executor: Executor = driver.database()): Promise<string[]> {
    const { rows } = await executor.query('select id from orders order by id', [])
    return rows.map((row) => String(row.id))
  }

  async function emptied(): Promise<Database<Tx>> {
    const database = driver.database()
    await database.query('delete from orders', [])
    return database
  }

  describe(driver.name, () => {
    it('returns rows by column name, and how many it returned or changed', async () => {
      const database = await emptied()
      expect((await database.query(insert, ['a', 1])).rowCount).toBe(1)
      expect((await database.query(insert, ['b', null])).rowCount).toBe(1)

      const read = await database.query('select id, total as the_total from orders order by id', [])
      expect(read.rows.map((row) => ({ ...row }))).toEqual([
        { id: 'a', the_total: expect.toSatisfy((total) => Number(total) === 1) },
        { id: 'b', the_total: null },
      ])
      expect(read.rowCount).toBe(2)
      expect((await database.query('update orders set total = 7', [])).rowCount).toBe(2)
      expect((await database.query(`delete from orders where id = ${place(1)}`, ['b'])).rowCount).toBe(1)
    })

    it.each([
      ['quotes', `'"\`; drop table orders; --`],
      ['placeholders', 'a ? b $1 :name @x %s \\? ??'],
      ['backslashes', '\\ \\\\ \\n \\x00 \\u0000'],
      ['JSON', '{"a":[1,"x\\u0000",{"b":"\\n\\t"}]}'],
      ['other alphabets', 'žluťoučký 日本語 😀  '],
      ['nothing', ''],
      ['braces', '{}'],
    ])('keeps a text with %s as it is', async (_name, text) => {
      const database = await emptied()
      await database.query(insert, [text, 1])
      expect(await ids()).toEqual([text])
    })

    it('keeps instants and the largest safe integer as they are', async () => {
      const database = await emptied()
      await database.query(insert, ['a', 1_763_700_000_123])
      await database.query(insert, ['b', Number.MAX_SAFE_INTEGER])
      const { rows } = await database.query('select total from orders order by id', [])
      expect(rows.map((row) => Number(row.total))).toEqual([1_763_700_000_123, Number.MAX_SAFE_INTEGER])
    })

    it('commits a transaction of its own, and sees its own writes in it', async () => {
      const database = await emptied()
      const seen = await database.transaction(async (tx) => {
        await tx.query(insert, ['a', 1])
        return ids(tx)
      })
      expect(seen).toEqual(['a'])
      expect(await ids()).toEqual(['a'])
    })

    it('rolls back a transaction of its own, and rethrows', async () => {
      const database = await emptied()
      const failed = database.transaction(async (tx) => {
        await tx.query(insert, ['a', 1])
        throw rolledBack
      })
      await expect(failed).rejects.toBe(rolledBack)
      expect(await ids()).toEqual([])
    })

    it('runs its own statements and transactions side by side, each whole', async () => {
      const database = await emptied()
      await Promise.allSettled(
        Array.from({ length: 8 }, (_, index) =>
          database.transaction(async (tx) => {
            await tx.query(insert, [`${index}-first`, 1])
            await tx.query(insert, [`${index}-second`, 1])
            if (index % 2 === 1) throw rolledBack
          }),
        ).concat(database.query(insert, ['z', 1]).then(() => {})),
      )
      const expected = [0, 2, 4, 6].flatMap((index) => [`${index}-first`, `${index}-second`])
      expect(await ids()).toEqual([...expected, 'z'])
    })

    it('is usable after a statement that failed, alone and in a transaction', async () => {
      const database = await emptied()
      await expect(database.query('select nothing from nowhere', [])).rejects.toThrow()
      await expect(
        database.transaction((tx) => tx.query('select nothing from nowhere', [])),
      ).rejects.toThrow()
      await database.query(insert, ['a', 1])
      expect(await ids()).toEqual(['a'])
    })

    it("commits with the caller's transaction", async () => {
      const database = await emptied()
      await driver.transaction(async (tx) => {
        await database.join(tx).query(insert, ['a', 1])
        expect(await ids(database.join(tx))).toEqual(['a'])
      })
      expect(await ids()).toEqual(['a'])
    })

    it("vanishes when the caller's transaction rolls back", async () => {
      const database = await emptied()
      const failed = driver.transaction(async (tx) => {
        await database.join(tx).query(insert, ['a', 1])
        throw rolledBack
      })
      await expect(failed).rejects.toBe(rolledBack)
      expect(await ids()).toEqual([])
    })

    it("passes an error in the caller's transaction untouched, and never retries", async () => {
      const database = await emptied()
      await database.query(insert, ['a', 1])
      let error: unknown
      await driver
        .transaction(async (tx) => {
          error = await database
            .join(tx)
            .query(insert, ['a', 2])
            .catch((cause: unknown) => cause)
          throw rolledBack
        })
        .catch(() => {})
      expect(error).toBeInstanceOf(Error)
      expect(error).not.toMatchObject({ name: 'PosthornError' })
      expect(await ids()).toEqual(['a'])
    })

    it.each([
      ['null', null],
      ['undefined', undefined],
      ['a text', 'tx'],
      ['a number', 1],
      ['an empty object', {}],
      ['a function', () => {}],
    ])('refuses %s as tx', (_name, tx) => {
      expect(() => driver.database().join(tx as Tx)).toThrow(
        expect.objectContaining({ code: 'INVALID_INPUT', path: 'tx' }),
      )
    })
  })
}
