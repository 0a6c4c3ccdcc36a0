import { clock } from './clock.svelte'
import { live, type LiveEntity } from './live.svelte'
import { Track } from './readings.svelte'
import type { TimeView } from './timeview.svelte'

const SETTLE_MS = 120
/** A live axis moves on; after this part of its span the buckets are asked for again. */
const AGAIN_AFTER = 0.5

/** Keeps a track filled for what the view shows, and live. Call it in an effect; it ends with it. */
export function follow(track: Track, entity: LiveEntity, view: TimeView, points: () => number): void {
  let again = $state(0)

  $effect(() => {
    const span = view.span
    const end = view.end
    void again
    const wanted = points()
    if (wanted <= 0) return
    // Dragging and zooming ask many times a second; only the last question matters.
    const timer = setTimeout(() => {
      const to = end ?? clock.read() + span * 0.01
      void track.load(to - span * 1.05, to, wanted)
    }, track.version === 0 ? 0 : SETTLE_MS)
    const renew = end === null ? setInterval(() => { again += 1 }, Math.max(60_000, span * AGAIN_AFTER)) : undefined
    return () => {
      clearTimeout(timer)
      clearInterval(renew)
    }
  })

  let seen = entity.state.reported_ms
  $effect(() => {
    const { value, reported_ms } = entity.state
    if (reported_ms <= seen) return
    seen = reported_ms
    if (typeof value === 'number') track.append(value, reported_ms)
  })

  $effect(() => live.on('resync', () => { again += 1 }))
}
