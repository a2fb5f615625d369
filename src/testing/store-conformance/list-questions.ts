/**
 * What a list is asked, and what it must answer: every filter alone and each two together, for one tenant, several and every; every
 * kind of page. The answers are worked out here, from rows that the case knows. Knows no store.
 */
import assert from 'node:assert/strict'
import type { Page, Rows, TenantFilter } from '../../lists.ts'
import { anyTenant } from '../../model.ts'

/** The filters of a list without its tenants. */
type Asked = Readonly<Record<string, unknown>>

/** A list, all rows of it, and what its filters mean. */
export interface Listed<Row extends { readonly tenantId: string }> {
  readonly list: (filter: { readonly tenant: TenantFilter } & Asked, page: Page) => Promise<Rows<Row>>
  readonly rows: readonly Row[]
  /** The instant that orders it, and what decides between two of the same instant: text goes by its bytes. */
  readonly at: (row: Row) => number
  readonly key: (row: Row) => string | number
  /** Of each filter: true when the row fits the value. */
  readonly fits: Readonly<Record<string, (row: Row, value: never) => boolean>>
  /** Of each filter some values, the more telling ones first. */
  readonly values: Readonly<Record<string, readonly unknown[]>>
}

/** `Listed.fits` of a filter that is a field's value. */
export const isField =
  <Row>(field: (row: Row) => unknown) =>
  (row: Row, value: never): boolean =>
    field(row) === value

/** Tenants of the rows; the last one is in no question but those of every tenant. */
export const LISTED = ['acme', 'globex', 'Acme'] as const
const TENANTS: readonly TenantFilter[] = ['acme', ['globex', 'none', 'acme', 'globex'], anyTenant]
const NOBODY: readonly TenantFilter[] = [[], 'none', ['none']]
const WHOLE: Page = { limit: 100, total: true }
/** Kinds of pages, where there are rows. */
const KINDS = 11
const AT_ONCE = 10

/** Each filter alone with all of its values, and every two of them with some. */
function filtersOf(values: Listed<never>['values']): readonly (readonly Asked[])[] {
  const fields = Object.entries(values)
  const single = fields.flatMap(([field, all]) => all.map((value) => ({ [field]: value })))
  const pairs = fields.flatMap(([one, [first, second]], at) =>
    fields.slice(at + 1).flatMap(([other, [third, fourth]]) => [
      { [one]: first, [other]: third },
      { [one]: second, [other]: third },
      { [one]: first, [other]: fourth },
    ]),
  )
  return [single, pairs]
}

function compare(one: string | number, other: string | number): number {
  if (typeof one === 'number' || typeof other === 'number') return Number(one) - Number(other)
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}

/** The whole list in its order. */
function sorted<Row extends { readonly tenantId: string }>(
  { at, key }: Listed<Row>,
  rows: readonly Row[],
  order: Page['order'],
): readonly Row[] {
  const direction = order === 'oldest' ? 1 : -1
  return [...rows].sort((a, b) => direction * (at(a) - at(b) || compare(key(a), key(b))))
}

function fitting<Row extends { readonly tenantId: string }>(
  { rows, fits }: Listed<Row>,
  tenant: TenantFilter,
  asked: Asked,
): readonly Row[] {
  const isIn = ({ tenantId }: Row) =>
    tenant === anyTenant || (typeof tenant === 'string' ? [tenant] : (tenant as string[])).includes(tenantId)
  return rows.filter(
    (row) => isIn(row) && Object.entries(asked).every(([field, value]) => fits[field]?.(row, value as never)),
  )
}

/** Pages of each kind: all of it, parts by offset, and parts after a row that is there, or after where none is. */
function pagesOf<Row extends { readonly tenantId: string }>(
  { at, key }: Listed<Row>,
  rows: readonly Row[],
): readonly Page[] {
  const middle = rows[rows.length >> 1]
  const whole: readonly Page[] = [
    WHOLE,
    { limit: 2 },
    { limit: 100, order: 'oldest' },
    { limit: 2, offset: 1, total: true },
    { limit: 3, offset: 2, order: 'oldest' },
    { limit: 1, order: 'newest', total: true },
    { limit: 5, offset: 100, total: true },
  ]
  if (middle === undefined) return whole
  const place = { at: at(middle), id: String(key(middle)) }
  const nowhere = { ...place, id: typeof key(middle) === 'number' ? '0' : `${place.id}+` }
  return [
    ...whole,
    { limit: 100, after: place, total: true },
    { limit: 2, after: place, order: 'oldest' },
    { limit: 3, after: nowhere, order: 'oldest', total: true },
    { limit: 100, after: nowhere },
  ]
}

/** Asks all of it, some at a time, and compares the answers. Kinds of pages and of tenants take turns. */
export async function askAll<Row extends { readonly tenantId: string }>(listed: Listed<Row>): Promise<void> {
  const [single = [], pairs = []] = filtersOf(listed.values)
  const questions: (() => Promise<void>)[] = NOBODY.map((tenant) => () => ask(listed, tenant, {}, WHOLE))
  const add = (asked: Asked, tenantAt: number, pageAt: number) => {
    const tenant = TENANTS[tenantAt % TENANTS.length] as TenantFilter
    const pages = pagesOf(listed, fitting(listed, tenant, asked))
    questions.push(() => ask(listed, tenant, asked, pages[pageAt % pages.length] as Page))
  }
  for (const tenantAt of TENANTS.keys()) {
    for (let pageAt = 0; pageAt < KINDS; pageAt++) add({}, tenantAt, pageAt)
    for (const [turn, asked] of single.entries()) add(asked, tenantAt, turn + 4 * tenantAt)
  }
  for (const [turn, asked] of pairs.entries()) add(asked, turn, turn)
  while (questions.length > 0) await Promise.all(questions.splice(0, AT_ONCE).map((question) => question()))
}

async function ask<Row extends { readonly tenantId: string }>(
  listed: Listed<Row>,
  tenant: TenantFilter,
  asked: Asked,
  page: Page,
): Promise<void> {
  const { at, key } = listed
  const all = sorted(listed, fitting(listed, tenant, asked), page.order)
  const { after } = page
  const direction = page.order === 'oldest' ? 1 : -1
  const isAfter = (row: Row) =>
    after === undefined || direction * (at(row) - after.at || compare(key(row), after.id)) > 0
  const start = page.offset ?? 0
  const rows = all.filter(isAfter).slice(start, start + page.limit)
  const question = JSON.stringify({ tenant: tenant === anyTenant ? 'every' : tenant, ...asked, page })
  assert.deepEqual(
    await listed.list({ tenant, ...asked }, page),
    { rows, total: page.total === true ? all.length : null },
    `asked ${question}`,
  )
}
