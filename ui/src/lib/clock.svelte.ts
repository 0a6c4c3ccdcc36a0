import { createSubscriber } from 'svelte/reactivity'

const TICK_MS = 1_000
let hubAheadMs = 0

const subscribe = createSubscriber((update) => {
  const timer = setInterval(update, TICK_MS)
  return () => clearInterval(timer)
})

/** The hub's clock: ages are told by it, so that a phone with a wrong clock shows them right. */
export const clock = {
  /** Now, UTC ms; whoever reads it is told again every second. */
  get now(): number {
    subscribe()
    return Date.now() + hubAheadMs
  },
  /** Now, UTC ms, read once. */
  read: (): number => Date.now() + hubAheadMs,
  /** Takes the hub's time from an answer. */
  set(hubNowMs: number): void { hubAheadMs = hubNowMs - Date.now() },
}
