import { describe, expect, it } from 'vitest'
import type { ActivityLine } from '../../lib/api.gen'
import { byDay, dayWords, isComing, linkOf, merge, pick } from './lines'

const line = (id: number, more: Partial<ActivityLine> = {}): ActivityLine =>
  ({ id, time_ms: id, level: 'info', about: 'hub', subject: null, text: '', ...more })

describe('the filter', () => {
  const lines = [
    line(4, { level: 'error', about: 'automation', text: 'Chatty was paused' }),
    line(3, { level: 'warning', about: 'credential', subject: 'garage', text: 'Login refused' }),
    line(2, { about: 'device', text: 'Plug was announced' }), line(1),
  ]
  const check = (filter: Parameters<typeof pick>[1], expected: number[]) => expect(pick(lines, filter).map(({ id }) => id)).toEqual(expected)
  it('keeps what matters at least so much', () => {
    check({ level: 'info', about: null, words: [] }, [4, 3, 2, 1])
    check({ level: 'warning', about: null, words: [] }, [4, 3])
    check({ level: 'error', about: null, words: [] }, [4])
  })
  it('keeps what is about one kind of thing', () => check({ level: 'info', about: 'device', words: [] }, [2]))
  it('looks into text and subject', () => {
    check({ level: 'info', about: null, words: ['plug'] }, [2])
    check({ level: 'info', about: null, words: ['garage', 'login'] }, [3])
  })
})

it('only a connection that went well is no news', () => {
  const check = (about: string, level: ActivityLine['level'], expected: boolean) => expect(isComing({ about, level })).toBe(expected)
  check('client', 'info', true)
  check('client', 'warning', false)
  check('device', 'info', false)
})

describe('links', () => {
  const deviceOf = (entity: string) => (entity === 'fan.fan' ? 'fan' : null)
  const check = (about: string, subject: string | null, expected: string | undefined) =>
    expect(linkOf({ about, subject }, deviceOf, (id) => id)?.href).toBe(expected)
  it('lead to the thing', () => {
    check('device', 'plug', '#/devices/plug')
    check('automation', 'a b', '#/automations/a%20b')
    check('command', 'fan.fan', '#/devices/fan')
    check('credential', 'garage', '#/settings/access')
  })
  it('are left out when there is nothing to look at', () => {
    check('command', 'gone.gone', undefined)
    check('hub', null, undefined)
  })
})

describe('days', () => {
  const noon = new Date(2026, 2, 10, 12).getTime()
  const hour = 3_600_000
  it('gather lines by local day', () => {
    const days = byDay([line(3, { time_ms: noon }), line(2, { time_ms: noon - hour }), line(1, { time_ms: noon - 24 * hour })])
    expect(days.map((day) => day.lines.map(({ id }) => id))).toEqual([[3, 2], [1]])
  })
  it('have names', () => {
    const check = (time: number, expected: string) => expect(dayWords(new Date(time).setHours(0, 0, 0, 0), noon, 'en')).toBe(expected)
    check(noon, 'Today')
    check(noon - 24 * hour, 'Yesterday')
    check(noon - 72 * hour, 'Saturday, March 7')
  })
})

it('takes each line once', () => expect(merge([line(2), line(1)], [line(3), line(2)], 2).map(({ id }) => id)).toEqual([3, 2]))
