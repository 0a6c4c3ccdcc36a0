import type { Bucket, Reading, Value } from './api.gen'
import { readFault } from './faults.svelte'
import { hub } from './hub'

/** Readings of one number over a stretch of time, and what has come since. */
export class Track {
  readonly entity: string
  buckets: Bucket[] = []
  /** Length of a bucket, ms. */
  bucketMs = 0
  /** Rises when something changed; whoever draws looks at it. */
  version = $state(0)
  loading = $state(false)
  error = $state<string | null>(null)
  #asked = 0

  constructor(entity: string) {
    this.entity = entity
  }

  /** Replaces what it holds. Answers that come after a newer question are thrown away. */
  async load(fromMs: number, toMs: number, points: number): Promise<void> {
    const asked = ++this.#asked
    this.loading = true
    try {
      const answer = await hub.call('readings_buckets', {
        entity: this.entity, from_ms: Math.floor(fromMs), to_ms: Math.ceil(toMs), points: Math.max(1, Math.round(points)),
      })
      if (asked !== this.#asked) return
      const newest = this.buckets.at(-1)
      this.buckets = answer.buckets
      this.bucketMs = Math.max(1, answer.bucket_ms)
      // What was told live and is not stored yet stays on screen.
      if (newest && newest.start_ms < toMs) this.#keep(newest)
      this.error = null
      this.version += 1
    } catch (reason) {
      if (asked === this.#asked) this.error = readFault(reason)
    } finally {
      if (asked === this.#asked) this.loading = false
    }
  }

  /** Adds a reading that just came. */
  append(value: number, atMs: number): void {
    if (this.bucketMs === 0) return
    const start_ms = Math.floor(atMs / this.bucketMs) * this.bucketMs
    const last = this.buckets.at(-1)
    if (last && last.start_ms >= start_ms) {
      const mean = (last.mean * last.count + value) / (last.count + 1)
      this.buckets[this.buckets.length - 1] = {
        ...last, count: last.count + 1, mean, min: Math.min(last.min, value), max: Math.max(last.max, value), last: value,
      }
    } else {
      this.buckets.push({ start_ms, count: 1, min: value, mean: value, max: value, last: value })
    }
    this.version += 1
  }

  #keep(newest: Bucket): void {
    const last = this.buckets.at(-1)
    if (!last || last.start_ms + this.bucketMs <= newest.start_ms) this.buckets.push(newest)
  }
}

/** Where a line must not be joined: after the longest usual pause between buckets, ms. */
export const GAP_FACTOR = 6
export const GAP_LEAST_MS = 90_000

export function gapMs(buckets: readonly Bucket[], bucketMs: number): number {
  if (buckets.length < 3) return Number.POSITIVE_INFINITY
  const pauses: number[] = []
  for (let at = 1; at < buckets.length; at += 1) pauses.push(buckets[at]!.start_ms - buckets[at - 1]!.start_ms)
  pauses.sort((a, b) => a - b)
  const usual = pauses[Math.floor(pauses.length * 0.75)]!
  return Math.max(GAP_LEAST_MS, usual * GAP_FACTOR, bucketMs * 2.5)
}

/** Columns as a chart wants them: seconds, and `null` where the line breaks. */
export interface Columns {
  x: number[]
  min: (number | null)[]
  mean: (number | null)[]
  max: (number | null)[]
}

export function columns(buckets: readonly Bucket[], bucketMs: number): Columns {
  const out: Columns = { x: [], min: [], mean: [], max: [] }
  const gap = gapMs(buckets, bucketMs)
  let before: number | null = null
  for (const { start_ms, count, min, mean, max } of buckets) {
    if (before !== null && start_ms - before > gap) {
      out.x.push((before + start_ms) / 2000)
      out.min.push(null)
      out.mean.push(null)
      out.max.push(null)
    }
    out.x.push((start_ms + (count > 1 ? bucketMs / 2 : 0)) / 1000)
    out.min.push(min)
    out.mean.push(mean)
    out.max.push(max)
    before = start_ms
  }
  return out
}

/** A stretch during which a state stayed the same. */
export interface Stretch {
  fromMs: number
  toMs: number
  value: Value
}

/** The newest state is known to hold since `sinceMs`, even when no reading says so in the range. */
export function stretches(readings: readonly Reading[], now: { value: Value | null; sinceMs: number }, fromMs: number, toMs: number): Stretch[] {
  const points = readings.map(({ time_ms, value }) => ({ ms: time_ms, value }))
  const last = points.at(-1)
  if (now.value !== null && now.sinceMs > 0 && (!last || now.sinceMs > last.ms || points.every(({ ms }) => ms > now.sinceMs))) {
    const at = points.findIndex(({ ms }) => ms > now.sinceMs)
    points.splice(at < 0 ? points.length : at, 0, { ms: now.sinceMs, value: now.value })
  }
  const out: Stretch[] = []
  for (const { ms, value } of points) {
    const open = out.at(-1)
    if (open && open.value === value) continue
    if (open) open.toMs = ms
    out.push({ fromMs: ms, toMs, value })
  }
  return out
    .filter((one) => one.toMs > fromMs && one.fromMs < toMs)
    .map((one) => ({ ...one, fromMs: Math.max(one.fromMs, fromMs), toMs: Math.min(one.toMs, toMs) }))
}

const PAGE = 10_000
const PAGES_MAX = 10

/** Every reading of a state in the range, page by page; `cut` when there are more than can be drawn. */
export async function allReadings(entity: string, fromMs: number, toMs: number): Promise<{ readings: Reading[]; cut: boolean }> {
  const readings: Reading[] = []
  let from_ms = Math.floor(fromMs)
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const answer = await hub.call('readings_range', { entity, from_ms, to_ms: Math.ceil(toMs), limit: PAGE })
    readings.push(...answer.readings)
    const last = answer.readings.at(-1)
    if (!answer.more || !last) return { readings, cut: false }
    from_ms = last.time_ms + 1
  }
  return { readings, cut: true }
}
