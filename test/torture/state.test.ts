/** `--state`: what has passed is remembered, and never taken for another run's. `--help` names every scenario. */
import { readFileSync, writeFileSync } from 'node:fs'
import { expect, it, onTestFinished } from 'vitest'
import { temporaryFolder } from '../support/databases/server.ts'
import { choose, helpText } from './help.ts'
import { scenarios } from './scenarios/index.ts'
import { openState } from './state.ts'

async function folder(): Promise<string> {
  const made = await temporaryFolder('state')
  onTestFinished(made.remove)
  return made.path
}
const found = { problems: [], figures: { lost: 0 } }

it('goes on with the seed and the findings of the run before', async () => {
  const path = await folder()
  const first = openState(path, undefined, true)
  first.keep('1. kill -9 (sqlite)', found)
  const second = openState(path, undefined, true)
  expect(second.seed).toBe(first.seed)
  expect(second.find('1. kill -9 (sqlite)')).toEqual(found)
  expect(second.find('1. kill -9 (postgres)')).toBeUndefined()
})

it('refuses the folder of a run with other counts or another seed', async () => {
  const path = await folder()
  openState(path, 5, false).keep('a', found)
  expect(() => openState(path, undefined, true)).toThrow(/reduced counts/)
  expect(() => openState(path, 6, false)).toThrow(/--seed 5/)
  expect(openState(path, 5, false).find('a')).toEqual(found)
})

it('refuses a file that it did not write, and leaves it as it is', async () => {
  const path = await folder()
  writeFileSync(`${path}/torture.json`, '{"seed": 1')
  expect(() => openState(path, undefined, false)).toThrow(/remove it/)
  expect(readFileSync(`${path}/torture.json`, 'utf8')).toBe('{"seed": 1')
})

it('keeps nothing without a folder', () => {
  openState(undefined, 7, false).keep('a', found)
  expect(openState(undefined, 7, false).find('a')).toBeUndefined()
})

it('lists every scenario once, and finds each by its number, which some share, and by its name', () => {
  const text = helpText(scenarios)
  for (const scenario of scenarios) {
    expect(
      text
        .split('\n')
        .filter(
          (line) => line.trim().endsWith(`  ${scenario.name}`) || line.includes(`  ${scenario.name} (`),
        ),
    ).toHaveLength(1)
    expect(choose(scenarios, scenario.name, undefined)).toEqual([scenario])
    const sharing = scenarios.filter(({ number }) => number === scenario.number)
    expect(choose(scenarios, String(scenario.number), undefined)).toEqual(sharing)
  }
  expect(choose(scenarios, '1,9', undefined).map(({ number }) => number)).toEqual([1, 9])
  expect(choose(scenarios, '999', undefined)).toEqual([])
})
