import { describe, expect, it } from 'vitest'
import type { BrokerRates, BrokerTotals, ClientDetail, ClientView, Refusal } from '../../../lib/api.gen'
import { unseen } from '../../../lib/refusals.svelte'
import { addressFault, isLoopback } from './listeners'
import { covers, difference, hasRule, joined, missing, placeholders, same, withRule } from './permissions'
import { between, course, limitFault, limitGroups, limitIn, limitName, limitRange, limitText, rateText } from './rates'
import { commandsIn, folded, matching, refusedSince, remedy, sentence, standing, toldOnce, whom } from './refusals'

const plain = (text: string) => text.replace(/\s/g, ' ')

describe('permissions', () => {
  const now = { write: ['home/plug/#'], read: ['home/plug/cmd'] }
  it('get the proposed rule and keep what they had', () => {
    expect(withRule(now, { name: 'plug', write: true, filter: 'tele/plug/#' })).toEqual({ write: ['home/plug/#', 'tele/plug/#'], read: ['home/plug/cmd'] })
    expect(withRule(now, { name: 'plug', write: false, filter: 'cmnd/plug/#' })).toEqual({ write: ['home/plug/#'], read: ['home/plug/cmd', 'cmnd/plug/#'] })
  })
  it('do not get a rule twice', () => {
    const there = { name: 'plug', write: true, filter: 'home/plug/#' }
    expect(hasRule(now, there)).toBe(true)
    expect(hasRule(now, { ...there, write: false })).toBe(false)
    expect(withRule(now, there)).toEqual(now)
  })
  it('say what the placeholders in a rule stand for', () => {
    const marks = (filter: string) => placeholders({ name: 'plug', write: true, filter }, 'DVES_1').map(({ mark, stands }) => `${mark} ${stands}`)
    expect(marks('tele/%c/STATE')).toEqual(['%c the client id, which is DVES_1 here: each client of plug gets topics of its own.'])
    expect(marks('home/%u/#')).toEqual(['%u the user name, which is plug.'])
    expect(marks('home/100%c/#')).toEqual([])
  })
  it('tell what a change adds and takes away', () => {
    const next = { write: ['tele/#'], read: ['home/plug/cmd'] }
    expect(difference(now, next)).toEqual({ write: { added: ['tele/#'], removed: ['home/plug/#'] }, read: { added: [], removed: [] } })
    expect(same(now, next)).toBe(false)
    expect(same(now, { write: [...now.write], read: [...now.read] })).toBe(true)
    expect(joined(now, next)).toEqual({ write: ['home/plug/#', 'tele/#'], read: ['home/plug/cmd'] })
  })
})

describe('what was learned', () => {
  const now = { write: ['home/plug/#'], read: [] }
  it('is no change where only the placeholder is written differently', () => {
    expect(same(now, { write: ['home/%u/#'], read: [] }, 'plug')).toBe(true)
    expect(same(now, { write: ['home/%u/#'], read: [] }, 'lamp')).toBe(false)
  })
  it('adds only what no rule covers yet', () => {
    expect(missing(now, { write: ['home/%u/LWT', 'tele/%u/STATE'], read: ['cmnd/%u/#'] }, 'plug')).toEqual({ write: ['tele/%u/STATE'], read: ['cmnd/%u/#'] })
  })
  it('is covered by wider filters', () => {
    const check = (wide: string, narrow: string, expected: boolean) => expect(covers(wide, narrow), `${wide} covers ${narrow}`).toBe(expected)
    check('home/#', 'home/a/+', true)
    check('home/#', 'home', true)
    check('home/+', 'home/a', true)
    check('home/+', 'home/+', true)
    check('home/+', 'home/#', false)
    check('home/a', 'home/+', false)
    check('home/+', 'home/a/b', false)
    check('home/a/b', 'home/a', false)
    check('#', '$SYS/#', false)
    check('$SYS/#', '$SYS/broker', true)
  })
})

describe('rates', () => {
  it('are as short as a column needs them', () => {
    const check = (value: number, text: string) => expect(rateText(value), String(value)).toBe(text)
    check(0, '0')
    check(0.01, '<0.1')
    check(0.42, '0.4')
    check(9.94, '9.9')
    check(9.96, '10')
    check(1204.4, '1,204')
  })
  const totals = (messages_in: number) => ({ messages_in, messages_out: 0, bytes_in: 0, bytes_out: 0 }) as BrokerTotals
  it('are the difference of totals by the time between', () => expect(between({ ms: 1_000, totals: totals(10) }, { ms: 3_000, totals: totals(40) })?.messages_in).toBe(15))
  it('say nothing after the hub began again', () => {
    expect(between({ ms: 1_000, totals: totals(10) }, { ms: 3_000, totals: totals(4) })).toBeNull()
    expect(between({ ms: 1_000, totals: totals(10) }, { ms: 1_000, totals: totals(10) })).toBeNull()
  })
  it('break where the hub was away', () => {
    const rates = { times_ms: [5_000, 10_000, 60_000], span_ms: 5_000, messages_in: [1, 2, 3] } as BrokerRates
    expect(course(rates, 'messages_in')).toMatchObject({ x: [5, 10, 35, 60], mean: [1, 2, null, 3] })
  })
})

describe('limits', () => {
  it('are said with their unit', () => {
    const check = (value: number, unit: string, text: string) => expect(plain(limitText(value, unit))).toBe(text)
    check(1_048_576, 'bytes', '1.0 MB')
    check(90_000, 'ms', '1 min 30 s')
    check(604_800, 's', '7 d')
    check(1_000, 'per_s', '1,000 per second')
    check(1, 'messages', '1 message')
    check(5_000, 'count', '5,000')
    check(7, 'days', '7 d')
    check(4_294_967_295, 's', 'for ever')
    check(0, 's', '0 s')
    check(0, 'ms', '0 ms')
    expect(limitText(0, 'per_s', 'Messages per second; 0 is any.')).toBe('any')
    expect(limitText(0, 's', 'Longest keepalive; 0 grants any, none included.')).toBe('any')
    expect(limitText(0, 'ms', 'Time between two rounds; 0 tells none.')).toBe('none')
    expect(plain(limitText(0, 's', '4,294,967,290 grants any.'))).toBe('0 s')
  })
  it('are called by what they bound', () => {
    const check = (name: string, expected: string) => expect(limitName(name)).toBe(expected)
    check('connections_per_address_max', 'Connections per address, at most')
    check('session_expiry_s_max', 'Session expiry, at most')
    check('publish_bytes_per_s', 'Publish bytes per second')
    check('connect_timeout_ms', 'Connect timeout')
    check('inflight_max', 'In flight, at most')
    check('connects_per_second_loopback_max', 'Connects per second from this computer, at most')
  })
  it('stay with the one that explains them', () => {
    const [a, b, c] = [{ help: 'Messages waiting.' }, { help: 'The same in bytes.' }, { help: 'Largest packet.' }]
    expect(limitGroups([a, b, c])).toEqual([[a, b], [c]])
  })
  it('are typed as they are said', () => {
    const check = (text: string, unit: string, expected: number | null) => expect(limitIn(text, { min: 0, max: 1e12, unit, help: '0 is any' }), text).toBe(expected)
    check('1 MB', 'bytes', 1_000_000)
    check('1.5mb', 'bytes', 1_500_000)
    check('1 MiB', 'bytes', 1_048_576)
    check('100k', 'bytes', 100_000)
    check('1048576', 'bytes', 1_048_576)
    check('100k', 'per_s', 100_000)
    check('1,000 per second', 'per_s', 1_000)
    check('5,000', 'count', 5_000)
    check('2\u202fmessages', 'messages', 2)
    check('30 s', 'ms', 30_000)
    check('1 min 30 s', 's', 90)
    check('0.5 h', 's', 1_800)
    check('7 days', 'days', 7)
    check('for ever', 's', 4_294_967_295)
    check('any', 'per_s', 0)
    for (const wrong of ['', 'k', '1 xb', '-5', '1..5', '1 MB 5', '0.5']) check(wrong, 'bytes', null)
    check('5 s', 'count', null)
    check('500 ms', 's', null)
  })
  it('are said with a range, of which both ends can be typed', () => {
    const limit = { min: 1_024, max: 268_435_455, unit: 'bytes' }
    expect(plain(limitRange(limit))).toBe('1.0 kB to 268 MB')
    expect([limitIn('1.0 kB', limit), limitIn('268 MB', limit), limitIn('900', limit)]).toEqual([1_024, 268_000_000, 900])
    expect(limitRange({ min: 0, max: 10, unit: 'count', help: '0 is any' })).toBe('0 to 10')
    expect(limitRange({ min: 0, max: 10, unit: 'per_s' })).toBe('0 to 10 per second')
  })
  it('are whole numbers within their bounds', () => {
    const limit = { min: 10, max: 100_000, unit: 'ms' }
    const check = (text: string, expected: string | null) => expect(limitFault(text, limit) && plain(limitFault(text, limit)!)).toBe(expected)
    check('100', null)
    check(' 10 ', null)
    check('5 s', null)
    check('', 'Type a time, such as 500 ms, 30 s or 5 min.')
    check('1.5', 'Type a time, such as 500 ms, 30 s or 5 min.')
    check('9', 'At least 10 ms.')
    check('2 min', 'At most 1 min 40 s.')
    const bytes = { min: 1_024, max: 268_435_455, unit: 'bytes' }
    expect(plain(limitFault('1', bytes)!)).toBe('At least 1.0 kB (1,024 bytes).')
    expect(plain(limitFault('1 GB', bytes)!)).toBe('At most 268 MB (268,435,455 bytes).')
  })
})

describe('addresses to listen on', () => {
  const check = (text: string, wrong: boolean) => expect(addressFault(text) !== null, text).toBe(wrong)
  it('are an address and a port', () => {
    for (const good of ['0.0.0.0:1883', '127.0.0.1:8883', '[::]:1883', ' 10.0.0.1:65535 ']) check(good, false)
    for (const bad of ['', '1883', '0.0.0.0', ':1883', '0.0.0.0:0', '0.0.0.0:65536', '256.0.0.1:1', 'localhost:1883', '::1:1883']) check(bad, true)
  })
  it('are told to be of this computer only', () => {
    expect(['127.0.0.1:1', '127.0.0.1', '[::1]:1', '::1', '0.0.0.0:1', '[::]:1'].map(isLoopback)).toEqual([true, true, true, true, false, false])
  })
})

describe('refusals', () => {
  const refusal = (more: Partial<Refusal>): Refusal => ({ id: 1, kind: 'publish', first_ms: 0, last_ms: 0, count: 1, client_id: null, user: null, address: null, topic: null, why: '', advice: '', proposal: null, settled: false, ...more })
  it('are found by each word in who, where from, topic and reason', () => {
    const all = [refusal({ id: 1, client_id: 'DVES_1', topic: 'tele/plug/STATE' }), refusal({ id: 2, user: 'anna', address: '10.0.0.7' }), refusal({ id: 3, why: 'The password is wrong.' })]
    const check = (search: string, expected: number[]) => expect(matching(all, search).map(({ id }) => id), search).toEqual(expected)
    check('', [1, 2, 3])
    check('dves', [1])
    check('dves plug', [1])
    check('dves anna', [])
    check('10.0.0', [2])
    check('PASSWORD', [3])
  })
  it('say whom they are about with what is known', () => {
    expect(whom(refusal({ client_id: 'c', user: 'u' }))).toBe('c')
    expect(whom(refusal({ client_id: '', address: '10.0.0.7' }))).toBe('10.0.0.7')
    expect(whom(refusal({}))).toBe('Somebody unknown')
  })
  it('are one thing to do where one rule mends them', () => {
    const proposal = { name: 'board', write: true, filter: 'tele/%c/STATE' }
    const all = [refusal({ id: 4, proposal }), refusal({ id: 3 }), refusal({ id: 2, proposal }), refusal({ id: 1, kind: 'subscribe', proposal: { ...proposal, write: false } })]
    const ids = (refusals: Refusal[]) => folded(refusals).map((one) => [one.refusal.id, one.others.map(({ id }) => id)])
    expect(ids(all)).toEqual([[4, [2]], [3, []], [1, []]])
    expect(ids([refusal({ id: 2, user: 'board', settled: true }), refusal({ id: 1, user: 'board', settled: true })])).toEqual([[2, [1]]])
  })
  it('are told in sentences', () => {
    const check = (text: string, expected: string) => expect(sentence(text)).toBe(expected)
    check('the password is wrong', 'The password is wrong.')
    check('`plug` may write `home/#` and nothing else', '`plug` may write `home/#` and nothing else.')
    check('Done.', 'Done.')
  })
  it('are new until they were looked at; the same again is not new', () => {
    expect(unseen([refusal({ id: 3, first_ms: 30, settled: true }), refusal({ id: 2, first_ms: 20 }), refusal({ id: 1, first_ms: 10, last_ms: 99 })], 10).map(({ id }) => id)).toEqual([2])
  })
  it('of what is told once stay until the client comes again', () => {
    const client = (more: Partial<ClientView>) => ({ connected: true, since_ms: 100, ...more }) as ClientView
    const detail = (more: Partial<ClientDetail>): ClientDetail => ({ client: client({}), subscriptions: [], will: null, permissions: null, trouble: null, refusals: [], log: [], ...more })
    const will = refusal({ kind: 'will', topic: 'a/gone', last_ms: 100, client_id: 'c' })
    const subscribe = refusal({ kind: 'subscribe', topic: 'a/set', last_ms: 120, client_id: 'c' })
    expect([will, subscribe, refusal({ client_id: 'c' })].map(toldOnce)).toEqual([true, true, false])
    const check = (of: Refusal, more: Partial<ClientDetail>, expected: string) => expect(standing(of, detail(more))).toBe(expected)
    check(subscribe, {}, 'without')
    check(subscribe, { subscriptions: [{ filter: 'a/set' }] as ClientDetail['subscriptions'] }, 'fine')
    check(subscribe, { client: client({ since_ms: 130 }) }, 'fine')
    check(subscribe, { client: client({ connected: false }) }, 'away')
    check(subscribe, { client: null }, 'away')
    check(will, {}, 'without')
    check(will, { will: { topic: 'a/gone' } as ClientDetail['will'] }, 'fine')
    const since = (kind: Refusal['kind'], more: Partial<ClientDetail>) => refusedSince(detail({ refusals: [will, subscribe], ...more }), kind)
    expect(since('will', {})).toBe(will)
    expect(since('publish', {})).toBeNull()
    expect(since('subscribe', { client: client({ since_ms: 60_000 }) })).toBeNull()
    expect(since('subscribe', { client: client({ since_ms: 60_000, connected: false }) })).toBe(subscribe)
  })
  it('of a login lead to a new password, or to a credential of that name', () => {
    const check = (why: string, expected: string | undefined, user: string | null = 'sensor') => expect(remedy(refusal({ kind: 'login', user, why }))?.href).toBe(expected)
    check('the password for `sensor` is wrong', '#/settings/access?renew=sensor')
    check('it sent no password for `sensor`', '#/settings/access?renew=sensor')
    check('there is no credential called `sensor`', '#/settings/access?add=sensor')
    check('there is no credential called `ki…(12 characters)`', '#/settings/access', 'ki…(12 characters)')
    check('it sent no user name', undefined, null)
    check('Hearth is stopping', undefined)
  })
  it('have commands to copy, not every word in code', () => {
    expect(commandsIn('Let it through with `sudo ufw allow 1883/tcp`, then tell `plug`.')).toEqual(['sudo ufw allow 1883/tcp'])
  })
})
