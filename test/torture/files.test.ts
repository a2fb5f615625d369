/** A worker whose event loop stands still, and SQLite files: cut off with the power, shared by many, on a full disk. */
import { tortureTests } from './in-test.ts'
import { blockedLoop } from './scenarios/blocked.ts'
import { contention } from './scenarios/contention.ts'
import { diskFull } from './scenarios/disk-full.ts'
import { powerCut } from './scenarios/power-cut.ts'

tortureTests([
  { scenario: blockedLoop, kinds: ['postgres'] },
  { scenario: powerCut },
  { scenario: contention },
  { scenario: diskFull },
])
