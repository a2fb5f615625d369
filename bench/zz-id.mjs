import { uuidv7, V7Generator } from 'uuidv7'

const HEX = Array.from({ length: 256 }, (_, b) => b.toString(16).padStart(2, '0'))
const buf = new Uint32Array(256)
let at = 256
const next = () => {
  if (at === 256) {
    crypto.getRandomValues(buf)
    at = 0
  }
  return buf[at++]
}
const g = new V7Generator({ nextUint32: next })
const text = (b) =>
  HEX[b[0]] +
  HEX[b[1]] +
  HEX[b[2]] +
  HEX[b[3]] +
  '-' +
  HEX[b[4]] +
  HEX[b[5]] +
  '-' +
  HEX[b[6]] +
  HEX[b[7]] +
  '-' +
  HEX[b[8]] +
  HEX[b[9]] +
  '-' +
  HEX[b[10]] +
  HEX[b[11]] +
  HEX[b[12]] +
  HEX[b[13]] +
  HEX[b[14]] +
  HEX[b[15]]
let ms = 0,
  hi = 0,
  lo = 0,
  head = ''
const own = () => {
  const now = Date.now()
  if (now > ms) {
    ms = now
    hi = next() & 0x3ffffff
    lo = next() & 0x7fff
    mk()
  } else if (++lo > 0xffff) {
    lo = 0
    hi++
    mk()
  }
  const r = next()
  return (
    head +
    HEX[lo >>> 8] +
    HEX[lo & 255] +
    HEX[r >>> 24] +
    HEX[(r >>> 16) & 255] +
    HEX[(r >>> 8) & 255] +
    HEX[r & 255]
  )
}
const mk = () => {
  const t = ms.toString(16).padStart(12, '0')
  head = `${t.slice(0, 8)}-${t.slice(8)}-7${((hi >>> 14) & 0xfff).toString(16).padStart(3, '0')}-${(0x8000 | (hi & 0x3fff)).toString(16)}-`
}
const cases = {
  lib: () => uuidv7(),
  rng: () => g.generate().toString(),
  table: () => text(g.generate().bytes),
  own,
  v4: () => crypto.randomUUID(),
}
for (let r = 0; r < 2; r++)
  for (const [n, f] of Object.entries(cases)) {
    const m = new Map()
    const t = performance.now()
    for (let i = 0; i < 200000; i++) {
      const id = 'evt_' + f()
      if (i % 1000 === 0) m.clear()
      m.set(id, i)
    }
    if (r) console.log(n, ((performance.now() - t) / 200).toFixed(3), 'us', f())
  }
