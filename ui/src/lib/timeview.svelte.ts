import { clock } from './clock.svelte'

export const HOUR_MS = 3_600_000
export const RANGES = [
  { value: '1h', label: '1 h', ms: HOUR_MS },
  { value: '24h', label: '24 h', ms: 24 * HOUR_MS },
  { value: '7d', label: '7 d', ms: 7 * 24 * HOUR_MS },
  { value: '30d', label: '30 d', ms: 30 * 24 * HOUR_MS },
] as const
export type Range = (typeof RANGES)[number]['value']

const SHORTEST_MS = 60_000
const LONGEST_MS = 366 * 24 * HOUR_MS
/** A live axis moves in this many steps per span: often enough to look live, rarely enough to cost nothing. */
const STEPS = 720

/** The stretch of time that charts show. Several charts share one, and so keep the same axis. */
export class TimeView {
  /** Length, ms. */
  span = $state(24 * HOUR_MS)
  /** Where it stands still, UTC ms; `null` follows the present. */
  end = $state<number | null>(null)

  constructor(range: Range = '24h') {
    this.range = range
  }

  get live(): boolean { return this.end === null }
  get to(): number {
    if (this.end !== null) return this.end
    const step = Math.max(1_000, this.span / STEPS)
    return Math.ceil(clock.now / step) * step
  }
  get from(): number { return this.to - this.span }

  /** The named range it shows, or '' when it was zoomed. */
  get range(): Range | '' {
    return this.live ? (RANGES.find(({ ms }) => ms === this.span)?.value ?? '') : ''
  }
  set range(next: Range | '') {
    const found = RANGES.find(({ value }) => value === next)
    if (!found) return
    this.span = found.ms
    this.end = null
  }

  select(fromMs: number, toMs: number): void {
    this.span = clamp(toMs - fromMs)
    this.#stop(toMs)
  }

  /** Makes the span `factor` times as long, around its middle or, when live, around the present. */
  zoom(factor: number): void {
    const middle = this.to - this.span / 2
    this.span = clamp(this.span * factor)
    if (!this.live) this.#stop(middle + this.span / 2)
  }

  /** Moves by a part of the span; negative goes back. */
  pan(part: number): void {
    this.#stop(this.to + this.span * part)
  }

  #stop(end: number): void {
    this.end = end >= clock.read() ? null : end
  }
}

const clamp = (ms: number): number => Math.min(LONGEST_MS, Math.max(SHORTEST_MS, ms))

/** Keys of a chart: arrows pan, plus and minus zoom, 0 and Escape go back to the present. Returns whether it was one. */
export function timeKey(view: TimeView, key: string): boolean {
  switch (key) {
    case 'ArrowLeft': view.pan(-0.25); return true
    case 'ArrowRight': view.pan(0.25); return true
    case '+': case '=': view.zoom(0.5); return true
    case '-': view.zoom(2); return true
    case '0': view.end = null; return true
    default: return false
  }
}
