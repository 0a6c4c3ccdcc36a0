import type { Refusal } from './api.gen'
import { readFault } from './faults.svelte'
import { hub } from './hub'

/** What the broker refused, newest first, asked for again while somebody follows it. */
export class Refusals {
  list = $state.raw<Refusal[] | null>(null)
  error = $state<string | null>(null)
  #limit: number
  #asking = false

  constructor(limit: number) { this.#limit = limit }

  async ask(): Promise<void> {
    if (this.#asking || document.hidden) return
    this.#asking = true
    try {
      this.list = (await hub.call('list_refusals', { client_id: null, user: null, search: null, limit: this.#limit })).refusals
      this.error = null
    } catch (reason) {
      this.error = readFault(reason)
    } finally {
      this.#asking = false
    }
  }

  /** Asks now and then every so often, until the returned function is called. */
  follow(everyMs: number): () => void {
    void this.ask()
    const timer = setInterval(() => void this.ask(), everyMs)
    return () => clearInterval(timer)
  }
}

/** Those that began after the owner last looked, and are not settled. The same again is the same refusal, so a board that knocks all night
 * is told once. That the relay guard keeps a limit the owner set is no news. */
export const unseen = (refusals: readonly Refusal[], seenMs: number): Refusal[] => refusals.filter(({ kind, first_ms, settled }) => kind !== 'guard' && first_ms > seenMs && !settled)

const KEY = 'hearth.refusals.seen'
let seenMs = $state(Number(localStorage.getItem(KEY) ?? 0))

/** Until when the owner has seen what was refused, UTC ms of the hub. */
export const seen = {
  get ms(): number { return seenMs },
  /** Everything up to the newest of these was looked at. */
  upTo(refusals: readonly Refusal[]): void {
    const newest = Math.max(seenMs, ...refusals.map(({ first_ms }) => first_ms))
    if (newest === seenMs) return
    seenMs = newest
    try { localStorage.setItem(KEY, String(newest)) } catch { /* A private window keeps nothing; then it lasts as long as the page. */ }
  },
}
