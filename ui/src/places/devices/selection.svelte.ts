import { SvelteSet } from 'svelte/reactivity'

/** Devices that somebody picked in the list, to change them together. */
export class Selection {
  ids = new SvelteSet<string>()
  /** Where a range begins: what was picked last by itself. */
  #anchor: string | null = null
  /** What the last range added, so that a shorter one gives it back. */
  #ranged: string[] = []

  get size(): number { return this.ids.size }
  has(id: string): boolean { return this.ids.has(id) }

  /** Picks one, or gives it back. */
  toggle(id: string): void {
    if (!this.ids.delete(id)) this.ids.add(id)
    this.#anchor = id
    this.#ranged = []
  }

  /** Picks everything from where the range began to here, in the order shown. */
  extend(to: string, shown: readonly string[]): void {
    const from = this.#anchor === null ? -1 : shown.indexOf(this.#anchor)
    const end = shown.indexOf(to)
    if (end < 0) return
    if (from < 0) {
      if (!this.ids.has(to)) this.toggle(to)
      this.#anchor = to
      return
    }
    for (const id of this.#ranged) this.ids.delete(id)
    const range = shown.slice(Math.min(from, end), Math.max(from, end) + 1)
    this.#ranged = range.filter((id) => id !== this.#anchor && !this.ids.has(id))
    for (const id of range) this.ids.add(id)
  }

  all(shown: readonly string[]): void {
    for (const id of shown) this.ids.add(id)
    this.#ranged = []
  }

  clear(): void {
    this.ids.clear()
    this.#anchor = null
    this.#ranged = []
  }

  /** Forgets what is gone. */
  keep(there: (id: string) => boolean): void {
    for (const id of this.ids) if (!there(id)) this.ids.delete(id)
  }
}

/** New names by a pattern: `#` counts from 1, `*` is the name it has. Without either every name would be the same, so the number goes behind. */
export function renamed(names: readonly string[], pattern: string): string[] {
  const text = pattern.trim()
  const counted = /[#*]/.test(text) || names.length === 1 ? text : `${text} #`
  return names.map((name, at) => counted.replaceAll('#', String(at + 1)).replaceAll('*', () => name))
}
