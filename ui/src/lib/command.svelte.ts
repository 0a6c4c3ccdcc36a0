import { SvelteMap } from 'svelte/reactivity'
import type { Value } from './api.gen'
import { words } from './faults.svelte'
import { duration } from './format'
import { hub } from './hub'
import { live } from './live.svelte'

/** How long a device may take to answer before we say that it did not. */
export const ANSWER_WITHIN_MS = 8_000
/** How long the sentence about it stays. */
const SENTENCE_MS = 20_000

interface Order {
  /** What the device should say; `undefined` when any report will do. */
  wanted: Value | undefined
  /** `waiting` for its answer, or why there is none. */
  trouble: string | null
}

const orders = new SvelteMap<string, Order>()
const timers = new Map<string, ReturnType<typeof setTimeout>>()

/** Commands that the device has not confirmed yet, by entity. The state shown stays the device's own. */
export const command = {
  isPending: (entity: string): boolean => orders.get(entity)?.trouble === null,
  /** What went wrong with the last command, in words; `null` when nothing did. */
  trouble: (entity: string): string | null => orders.get(entity)?.trouble ?? null,

  /** Tells the entity to do something and waits for the device to report it. */
  async send(entity: string, verb: string, value: Value | null = null, attributes: Record<string, unknown> = {}): Promise<void> {
    const wanted = verb === 'turn_on' ? true : verb === 'turn_off' ? false : (value ?? undefined)
    const before = live.entities.get(entity)?.state.reported_ms ?? 0
    later(entity, ANSWER_WITHIN_MS, () => {
      unwatch()
      fail(entity, `No answer for ${duration(ANSWER_WITHIN_MS)}. Check that the device has power and is in reach.`)
    })
    orders.set(entity, { wanted, trouble: null })
    const unwatch = $effect.root(() => {
      $effect(() => {
        const state = live.entities.get(entity)?.state
        if (!state || state.reported_ms <= before) return
        if (wanted === undefined || typeof wanted !== 'boolean' || state.value === wanted) {
          unwatch()
          done(entity)
        }
      })
    })
    try {
      await hub.call('command', { entity, verb, value, attributes })
      // A button has no state to wait for.
      if (verb === 'press') { unwatch(); done(entity) }
    } catch (reason) {
      unwatch()
      fail(entity, words(reason))
    }
  },
}

function later(entity: string, ms: number, then: () => void): void {
  clearTimeout(timers.get(entity))
  timers.set(entity, setTimeout(then, ms))
}

function done(entity: string): void {
  clearTimeout(timers.get(entity))
  timers.delete(entity)
  orders.delete(entity)
}

function fail(entity: string, trouble: string): void {
  orders.set(entity, { wanted: undefined, trouble })
  later(entity, SENTENCE_MS, () => done(entity))
}
