/** What a heap orders: by `at`, then by `tie`. An item is in one heap at a time and knows its place there. */
export interface HeapItem {
  at: number
  tie: number
  /** Index in its heap; -1 when it is in none. */
  slot: number
}

/** A binary min-heap that can move and remove any item in O(log n). */
export class Heap<Item extends HeapItem> {
  readonly #items: Item[] = []

  get size(): number {
    return this.#items.length
  }

  get top(): Item | undefined {
    return this.#items[0]
  }

  /** Inserts the item, or puts it in its new place after its `at` has changed. */
  put(item: Item): void {
    if (item.slot < 0) {
      item.slot = this.#items.length
      this.#items.push(item)
    }
    this.#up(item)
    this.#down(item)
  }

  /** Removes the item; harmless when it is not in the heap. */
  remove(item: Item): void {
    if (item.slot < 0) return
    const slot = item.slot
    const last = this.#items.pop()
    item.slot = -1
    if (last === undefined || last === item) return
    this.#set(last, slot)
    this.#up(last)
    this.#down(last)
  }

  /** Items with `at ≤ until`, in no order; costs only what it returns. */
  until(until: number): Item[] {
    const found: Item[] = []
    const pending = [0]
    for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
      const item = this.#items[index]
      if (item === undefined || item.at > until) continue
      found.push(item)
      pending.push(2 * index + 1, 2 * index + 2)
    }
    return found
  }

  values(): readonly Item[] {
    return this.#items
  }

  #set(item: Item, slot: number): void {
    this.#items[slot] = item
    item.slot = slot
  }

  #up(item: Item): void {
    while (item.slot > 0) {
      const slot = item.slot
      const parent = this.#items[(slot - 1) >> 1]
      if (parent === undefined || !precedes(item, parent)) return
      this.#set(item, parent.slot)
      this.#set(parent, slot)
    }
  }

  #down(item: Item): void {
    for (;;) {
      const slot = item.slot
      const left = this.#items[2 * slot + 1]
      const right = this.#items[2 * slot + 2]
      const child = right !== undefined && left !== undefined && precedes(right, left) ? right : left
      if (child === undefined || !precedes(child, item)) return
      this.#set(item, child.slot)
      this.#set(child, slot)
    }
  }
}

function precedes(one: HeapItem, other: HeapItem): boolean {
  return one.at < other.at || (one.at === other.at && one.tie < other.tie)
}
