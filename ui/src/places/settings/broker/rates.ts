import type { BrokerRates, BrokerTotals } from '../../../lib/api.gen'
import { bytes, count, duration, number, THIN } from '../../../lib/format'
import type { Columns } from '../../../lib/readings.svelte'

/** Messages per second, as short as a column needs it: `0`, `0.4`, `12`, `1,204`. */
export function rateText(perSecond: number): string {
  if (perSecond <= 0) return '0'
  if (perSecond < 0.05) return '<0.1'
  return perSecond < 9.95 ? number(perSecond, 1) : count(perSecond)
}

/** Totals with the moment they were read, UTC ms. */
export interface Moment { ms: number; totals: BrokerTotals }
export interface Rates { messages_in: number; messages_out: number; bytes_in: number; bytes_out: number }

/** Rates between two moments; `null` when they say nothing, as after a start of the hub. */
export function between(before: Moment, after: Moment): Rates | null {
  const seconds = (after.ms - before.ms) / 1000
  const keys = ['messages_in', 'messages_out', 'bytes_in', 'bytes_out'] as const
  if (seconds <= 0 || keys.some((key) => after.totals[key] < before.totals[key])) return null
  const rate = (key: (typeof keys)[number]): number => (after.totals[key] - before.totals[key]) / seconds
  return { messages_in: rate('messages_in'), messages_out: rate('messages_out'), bytes_in: rate('bytes_in'), bytes_out: rate('bytes_out') }
}

export type Course = Exclude<keyof BrokerRates, 'times_ms' | 'span_ms'>

/** A span after which a line breaks, in spans: the hub was not there. */
const GAP_SPANS = 3

/** One of the rates as a chart wants it; where the hub was away the line breaks. */
export function course({ times_ms, span_ms, ...values }: BrokerRates, of: Course): Columns {
  const out: Columns = { x: [], min: [], mean: [], max: [] }
  const put = (ms: number, value: number | null): void => {
    out.x.push(ms / 1000)
    for (const list of [out.min, out.mean, out.max]) list.push(value)
  }
  for (const [at, ms] of times_ms.entries()) {
    const before = times_ms[at - 1]
    if (before !== undefined && ms - before > span_ms * GAP_SPANS) put((before + ms) / 2, null)
    put(ms, values[of][at] ?? null)
  }
  return out
}

/** What MQTT calls an expiry that never comes, s. */
export const FOR_EVER_S = 4_294_967_295
const DAY_MS = 86_400_000

/** A limit's value with its unit, as a person says it: `1.0 MB`, `2 min`, `50 per second`; what 0 means stands in its help. */
export function limitText(value: number, unit: string, help = ''): string {
  if (value === 0 && help.includes('0 is any')) return 'any'
  switch (unit) {
    case 'bytes': return bytes(value)
    case 'ms': return duration(value)
    case 's': return value === FOR_EVER_S ? 'for ever' : duration(value * 1000)
    case 'days': return duration(value * DAY_MS)
    case 'per_s': return `${count(value)} per second`
    case 'messages': return `${count(value)}${THIN}${value === 1 ? 'message' : 'messages'}`
    default: return count(value)
  }
}

/** The unit a limit is typed in. */
export const UNITS: Record<string, string> = { bytes: 'bytes', ms: 'ms', s: 'seconds', days: 'days', per_s: 'per second', messages: 'messages', count: '' }

/** What a limit is called, from its name: `session_expiry_s_max` is "Session expiry, at most". */
export function limitName(name: string): string {
  const most = name.endsWith('_max')
  const words = name.replace(/_max$/, '').replace(/_per_s$/, '_per_second').replace(/_(ms|s)$/, '').replaceAll('_', ' ').replace('inflight', 'in flight').replace('loopback', 'from this computer').replace('lobby', 'not logged in')
  return words.replace(/^./, (first) => first.toUpperCase()) + (most ? ', at most' : '')
}

/** Limits that explain each other stay together: "The same in bytes" says nothing without the one before. */
export function limitGroups<T extends { help: string }>(limits: readonly T[]): T[][] {
  const groups: T[][] = []
  for (const limit of limits) {
    const group = groups.at(-1)
    if (group && /^(The same|Longest such)/.test(limit.help)) group.push(limit)
    else groups.push([limit])
  }
  return groups
}

/** What is wrong with a typed limit, in words. */
export function limitFault(text: string, { min, max, unit }: { min: number; max: number; unit: string }): string | null {
  const typed = text.trim()
  if (typed === '') return 'Type a whole number.'
  if (!/^\d+$/.test(typed)) return 'Type a whole number, without a unit, dot or comma.'
  const value = Number(typed)
  if (value < min) return `At least ${count(min)}${said(min, unit)}.`
  if (value > max) return `At most ${count(max)}${said(max, unit)}.`
  return null
}

function said(value: number, unit: string): string {
  const text = limitText(value, unit)
  return text === count(value) ? '' : unit === 'bytes' || unit === 'ms' || unit === 's' ? ` ${UNITS[unit]} (${text})` : ` ${UNITS[unit]}`
}
