import { untrack } from 'svelte'
import { live } from './live.svelte'

/** However fast a device talks, it is asked for no more often than this. */
export const AT_MOST_EVERY_MS = 1_000

let acts = $state(0)

/** Something was done that no frame tells, such as retained topics that were cleared: whoever shows a device asks again. */
export function acted(): void { acts += 1 }

/** Asks for what the hub knows of a device and tells only when asked: at once, when the device or a state of it changes, when something is done to
 * it, and every so often. Call it while a component is made; it ends with it. `pauseMs` is the least time between two questions. */
export function askAgain(device: () => string, everyMs: number, ask: (id: string) => void, pauseMs = AT_MOST_EVERY_MS): void {
  $effect(() => {
    const id = device()
    let lastMs = 0
    let first = true
    let timer: ReturnType<typeof setTimeout> | undefined
    const now = () => {
      timer = undefined
      if (document.hidden) return
      lastMs = performance.now()
      untrack(() => ask(id))
    }
    const soon = () => { timer ??= setTimeout(now, Math.max(0, lastMs + pauseMs - performance.now())) }
    const own = (user: string | null | undefined) => { if (user && user === live.devices.get(id)?.credential) soon() }

    now()
    $effect(() => {
      void acts
      void live.devices.get(id)
      for (const one of live.entitiesOf(id)) void [one.state, one.entity]
      if (!first) soon()
      first = false
    })
    const regular = setInterval(soon, everyMs)
    const ends = [
      live.on('connected', ({ user }) => own(user)),
      live.on('disconnected', soon),
      live.on('activity', (line) => { if (line.subject === id) soon() }),
      live.on('resync', soon),
    ]
    document.addEventListener('visibilitychange', soon)
    return () => {
      clearTimeout(timer)
      clearInterval(regular)
      for (const end of ends) end()
      document.removeEventListener('visibilitychange', soon)
    }
  })
}
