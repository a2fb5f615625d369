/**
 * The limits of everything that a tenant or a host can send, in one list: what a field takes at its border, and what it refuses
 * beyond it, empty, null, of the wrong type, and hostile. `test/doors/limits.test.ts` tries all of it at every door.
 */
import { standardWebhooks, unsigned } from '../../src/index.ts'

import {
  BOTH,
  CHANNELS,
  HEADERS,
  hostileText,
  ID,
  LABELS,
  many,
  pick,
  RETRY,
  SECRETS,
  text,
  URLS,
  type Values,
  whole,
  wrong,
  x,
} from './limit-values.ts'

/** Calls that take fields. */
export type Door = 'create' | 'update' | 'publish' | 'to' | 'matches' | 'list' | 'page'

/** One field. */
export interface Limit extends Values {
  readonly field: string
  readonly doors: readonly Door[]
  /** What the HTTP API has no place for: Dates, functions, values that JSON cannot hold. */
  readonly onlyInCode?: true
}

/** Characters are counted as databases count them. */
const SIGNS_255 = {
  takes: { '255 signs of four bytes': x(255, '😀') },
  refuses: { null: null, '256 signs of four bytes': x(256, '😀') },
}

/** Every field. */
export const limits: readonly Limit[] = [
  { field: 'id', doors: ['create'], ...ID },
  {
    field: 'name',
    doors: BOTH,
    ...text(0, 255, {
      takes: { null: null, '255 signs of four bytes': x(255, '😀') },
      refuses: { '256 signs of four bytes': x(256, '😀') },
    }),
  },
  { field: 'description', doors: BOTH, ...text(0, 1_000, { takes: { null: null } }) },
  { field: 'url', doors: [...BOTH, 'to'], ...URLS },
  { field: 'url', doors: ['create', 'to'], takes: {}, refuses: { null: null } },
  { field: 'headers', doors: [...BOTH, 'to'], ...HEADERS },
  { field: 'secret', doors: [...BOTH, 'to'], ...SECRETS },
  { field: 'metadata', doors: [...BOTH, 'publish', 'matches'], ...LABELS },
  { field: 'channels', doors: [...BOTH, 'publish', 'matches'], ...CHANNELS },
  {
    field: 'events',
    doors: BOTH,
    takes: { null: null, all: ['*'], '100 patterns': many(100, (n) => `a.n${n}`), 'a name of 128': [x(128)] },
    refuses: {
      none: [],
      '101 patterns': many(101, (n) => `a.n${n}`),
      'a name of 129': [x(129)],
      'an empty name': [''],
      'half a pattern': ['a*'],
      'a space': ['a b'],
      'a NUL': ['a\0b'],
      ...pick(wrong, 'a list'),
      text: '*',
    },
  },
  { field: 'retry', doors: [...BOTH, 'publish'], ...RETRY },
  {
    field: 'rate',
    doors: BOTH,
    takes: { null: null, least: { count: 1, perMs: 1 }, most: { count: 1_000_000, perMs: 2_592_000_000 } },
    refuses: {
      'a count over the most': { count: 1_000_001, perMs: 1 },
      'a span over 30 days': { count: 1, perMs: 2_592_000_001 },
      zero: { count: 0, perMs: 1 },
      'half of it': { count: 1 },
      'an unknown key': { count: 1, perMs: 1, burst: 2 },
      text: '1/s',
      ...wrong,
    },
  },
  { field: 'concurrency', doors: BOTH, ...whole(10_000) },
  {
    field: 'ordering',
    doors: BOTH,
    takes: { null: null, none: 'none', key: 'key' },
    refuses: { 'another word': 'fifo', 'an empty text': '', 'a key of every object': '__proto__', ...wrong },
  },
  {
    field: 'onGivenUp',
    doors: BOTH,
    takes: { null: null, stop: 'stop' },
    refuses: { 'another word': 'halt', ...wrong },
  },
  { field: 'version', doors: BOTH, ...text(1, 64, { takes: { null: null } }) },
  {
    field: 'state',
    doors: ['create'],
    takes: { paused: 'paused', disabled: 'disabled' },
    refuses: { 'another word': 'asleep', 'an empty text': '', ...wrong },
  },
  {
    field: 'filter',
    doors: BOTH,
    takes: {
      null: null,
      everything: {},
      '100 conditions': { and: many(100, (n) => ({ [`data.k${n}`]: n })) },
      'a list of 100': { 'data.k': { in: many(100, (n) => n) } },
      'a text of 1000': { 'data.k': x(1_000) },
    },
    refuses: {
      '101 conditions': { and: [{ and: many(100, (n) => ({ [`data.k${n}`]: n })) }, { 'data.more': 1 }] },
      'a list of 101': { 'data.k': { in: many(101, (n) => n) } },
      'a text of 1001': { 'data.k': x(1_001) },
      'nine levels': many(9, () => 0).reduce<object>((inner) => ({ not: inner }), { 'data.k': 1 }),
      'a regular expression': { 'data.k': { regex: '^(a+)+$' } },
      'an unknown path': { bogus: 1 },
      text: 'data.k = 1',
      ...wrong,
    },
  },
  {
    field: 'signing',
    doors: BOTH,
    onlyInCode: true,
    takes: {
      null: null,
      one: standardWebhooks(),
      five: [
        ...many(4, (n) => ({ scheme: unsigned(), until: new Date(4e12 + n) })),
        { scheme: standardWebhooks() },
      ],
    },
    refuses: {
      six: many(6, () => ({ scheme: unsigned() })),
      none: [],
      'all of them ending': [{ scheme: unsigned(), until: new Date(4e12) }],
      'an unknown scheme': { spec: { scheme: 'rot13' } },
      text: 'hmac',
      ...wrong,
    },
  },
  { field: 'id', doors: ['publish'], ...ID },
  { field: 'idempotencyKey', doors: ['publish'], ...text(1, 255, SIGNS_255) },
  { field: 'orderingKey', doors: ['publish'], ...text(1, 255, SIGNS_255) },
  {
    field: 'skip',
    doors: ['publish'],
    takes: { true: true },
    refuses: { text: 'yes', null: null, ...pick(wrong, 'true') },
  },
  {
    field: 'delayMs',
    doors: ['publish'],
    takes: { zero: 0, '90 days': 7_776_000_000 },
    refuses: {
      'over 90 days': 7_776_000_001,
      'minus one': -1,
      NaN: Number.NaN,
      text: '5s',
      null: null,
      ...pick(wrong, 'a number'),
    },
  },
  {
    field: 'deliverAt',
    doors: ['publish'],
    onlyInCode: true,
    takes: { 'in the past': new Date(0) },
    refuses: {
      'over 90 days ahead': new Date(8e15),
      'no date': new Date(Number.NaN),
      text: '2026-01-01',
      null: null,
      ...wrong,
    },
  },
  {
    field: 'occurredAt',
    doors: ['publish'],
    onlyInCode: true,
    takes: { 'long ago': new Date(0) },
    refuses: { 'no date': new Date(Number.NaN), text: '2026-01-01', null: null, ...wrong },
  },
  {
    field: 'to',
    doors: ['publish'],
    takes: {},
    refuses: {
      'nothing of it': {},
      'an unknown key': { url: 'https://receiver.example', method: 'GET' },
      text: 'https://receiver.example',
      null: null,
      ...wrong,
    },
  },
  {
    field: 'tenantId',
    doors: ['create', 'publish', 'matches', 'list'],
    takes: { '255 characters': x(255), quotes: `'"; drop table` },
    refuses: {
      '256 characters': x(256),
      'an empty text': '',
      'a line break': 'a\n',
      ...hostileText,
      ...wrong,
    },
  },
  { field: 'limit', doors: ['page'], ...whole(1_000) },
  {
    field: 'offset',
    doors: ['page'],
    takes: { zero: 0, 'a million': 1_000_000 },
    refuses: {
      'minus one': -1,
      'a fraction': 1.5,
      'over what is exact': 2 ** 53,
      text: '1',
      ...pick(wrong, 'a number'),
    },
  },
  {
    field: 'cursor',
    doors: ['page'],
    takes: { null: null },
    refuses: {
      'an empty text': '',
      'somebody’s own': btoa('{"at":0}'),
      'a megabyte': x(1_000_000),
      ...wrong,
    },
  },
  {
    field: 'total',
    doors: ['page'],
    takes: { true: true },
    refuses: { text: 'true', null: null, ...pick(wrong, 'true') },
  },
]
