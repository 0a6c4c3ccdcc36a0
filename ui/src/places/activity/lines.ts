import type { ActivityLine, Level } from '../../lib/api.gen'
import { clientHref } from '../../lib/broker'
import { href } from '../../lib/router.svelte'

/** Kinds of things activity is about, in the order of the filter, with the words for them. */
export const ABOUTS: readonly [string, string][] = [
  ['device', 'Devices'], ['automation', 'Automations'], ['command', 'Commands'],
  ['client', 'Connections'], ['credential', 'Access'], ['hub', 'Hearth'],
]
export const LEVELS: readonly [Level, string][] = [['info', 'Everything'], ['warning', 'Warnings and errors'], ['error', 'Errors only']]

/** What to show. */
export interface Filter { level: Level; about: string | null; words: readonly string[] }

const weight: Record<Level, number> = { info: 0, warning: 1, error: 2 }

/** The lines a filter lets through. */
export function pick(lines: readonly ActivityLine[], filter: Filter): ActivityLine[] {
  return lines.filter((line) =>
    weight[line.level] >= weight[filter.level]
    && (filter.about === null || line.about === filter.about)
    && filter.words.every((word) => line.text.toLowerCase().includes(word) || line.subject?.toLowerCase().includes(word)))
}

/** A connection or a goodbye that went as it should: of many boards they would hide what matters. */
export const isComing = (line: Pick<ActivityLine, 'about' | 'level'>): boolean => line.about === 'client' && line.level === 'info'

/** Where the thing a line is about can be looked at. `deviceOf` finds an entity's device, `automationName` what an automation is called. */
export function linkOf(line: Pick<ActivityLine, 'about' | 'subject'>, deviceOf: (entity: string) => string | null, automationName: (id: string) => string): { href: string; text: string } | null {
  const { about, subject } = line
  if (subject === null) return null
  switch (about) {
    case 'device': return { href: href('devices', [subject]), text: 'Device' }
    case 'automation': return { href: href('automations', [subject]), text: automationName(subject) }
    case 'client': return { href: clientHref(subject), text: 'Client' }
    case 'credential': return { href: href('settings', ['access']), text: 'Access' }
    case 'command': {
      const device = deviceOf(subject)
      return device === null ? null : { href: href('devices', [device]), text: 'Device' }
    }
    default: return null
  }
}

/** Lines by local day, newest first. */
export function byDay(lines: readonly ActivityLine[]): { day: number; lines: ActivityLine[] }[] {
  const days: { day: number; lines: ActivityLine[] }[] = []
  for (const line of lines) {
    const day = new Date(line.time_ms).setHours(0, 0, 0, 0)
    const last = days.at(-1)
    if (last?.day === day) last.lines.push(line)
    else days.push({ day, lines: [line] })
  }
  return days
}

/** "Today", "Yesterday" or the date. */
export function dayWords(day: number, nowMs: number, locale?: string): string {
  const today = new Date(nowMs)
  const yesterday = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1)
  if (day === new Date(nowMs).setHours(0, 0, 0, 0)) return 'Today'
  if (day === yesterday.getTime()) return 'Yesterday'
  return new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long' }).format(day)
}

/** Adds lines, each once, newest first. */
export function merge(known: readonly ActivityLine[], more: readonly ActivityLine[], most: number): ActivityLine[] {
  const byId = new Map(known.map((line) => [line.id, line]))
  for (const line of more) byId.set(line.id, line)
  return [...byId.values()].sort((a, b) => b.id - a.id).slice(0, most)
}
