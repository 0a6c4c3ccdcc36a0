import { describe, expect, it } from 'vitest'
import type { CandidateView, FirmwareView, PairingProgress } from './api.gen'
import { acceptance, type Draft, freeName, gathered, headline, isOldNews, knownAs, lineOf, metBy, newOnes, PAIRED_SHOWN_MS, PAIRED_UNSEEN_MS, placeOf, properName, register, sameBoard, seenAgain, stepsOf, timeLeft, titleOf, type Waiting } from './pairing'
import { device } from './sample.test-data'

const candidate = (over: Partial<CandidateView> = {}): CandidateView => ({
  id: 1, way: 'sweep', client_id: null, user: null, address: '192.168.1.20', http_port: 80, serial: null, firmware: 'tasmota', name: null, model: null, mac: null,
  locked: false, first_ms: 1, last_ms: 1, why_no_push: null, why_not_as_it_is: 'it did not try to log in', ...over,
})
const knock = (over: Partial<CandidateView> = {}): CandidateView => candidate({ id: 2, way: 'refused', client_id: 'DVES_7F21A4', http_port: null, why_not_as_it_is: null, ...over })
const found = (over: Partial<CandidateView> = {}): Waiting => ({ seen: candidate(over), door: null })
const progress = (over: Partial<PairingProgress> = {}): PairingProgress => ({
  id: 1, name: 'Lamp', user: 'lamp', firmware: 'tasmota', address: null, http_port: null, serial: null, candidate: null, way: 'push', area: null, device: null, claims: null, keeps: null, stage: 'waiting', reached: 'waiting',
  text: '', wants_password: false, until_ms: null, begun_ms: 1, ended_ms: null, ...over,
})
const FIRMWARES: FirmwareView[] = [{ id: 'tasmota', name: 'Tasmota', network: true, serial: true, needs_wifi: false, snippet: true }]

describe('a board that knocked and was found', () => {
  const check = (candidates: CandidateView[], expected: [seen: number, door: number | null][]) =>
    expect(gathered(candidates).map(({ seen, door }) => [seen.id, door?.id ?? null])).toEqual(expected)
  it('is one board', () => check([knock(), candidate()], [[1, 2]]))
  it('is one board also when its firmware was not told by the knock', () => check([candidate(), knock({ firmware: null })], [[1, 2]]))
  it('is two when the firmwares differ', () => check([candidate(), knock({ firmware: 'wled' })], [[1, null], [2, 2]]))
  it('is not guessed among several at one address', () => check([candidate(), candidate({ id: 3, http_port: 81 }), knock()], [[1, null], [3, null], [2, 2]]))
  it('is alone when nothing else is known', () => check([knock()], [[2, 2]]))
})

describe('a board that was forgotten', () => {
  const check = (before: Waiting, now: CandidateView[], expected: number | null) => expect(seenAgain(before, gathered(now))?.seen.id ?? null).toBe(expected)
  const knocked: Waiting = { seen: knock(), door: knock() }
  it('is the one with the same client id at the same address', () => check(knocked, [knock({ id: 8, client_id: 'other' }), knock({ id: 9 })], 9))
  it('is not who has its client id elsewhere', () => check(knocked, [knock({ id: 9, address: '192.168.1.21' })], null))
  it('is the one whose page is where it was', () => check(found(), [candidate({ id: 8, http_port: 81 }), candidate({ id: 9 })], 9))
  it('is not whoever knocks from where only a page was known', () => check(knocked, [candidate({ id: 9 })], null))
})

describe('a board that is here already', () => {
  const check = (waiting: Waiting, expected: string | null) =>
    expect(knownAs(waiting, register([device({ id: 'lamp', mac: '5C:CF:7F:00:A0:08', ip: '192.168.1.20' })]))?.id ?? null).toBe(expected)
  it('is known by its MAC address', () => check(found({ mac: '5CCF7F00A008', address: '192.168.1.9' }), 'lamp'))
  it('is the same board also at the door, by its MAC address alone', () => {
    const devices = register([device({ id: 'lamp', mac: '5C:CF:7F:00:A0:08', ip: '192.168.1.20' })])
    const door = candidate({ id: 2, way: 'refused' })
    expect(sameBoard({ seen: candidate({ mac: '5CCF7F00A008' }), door }, devices)?.id).toBe('lamp')
    expect(sameBoard({ seen: candidate({ address: '192.168.1.20' }), door }, devices)).toBeNull()
  })
  it('is another when the MAC address is', () => check(found({ mac: '5CCF7F00A009' }), null))
  it('is known by its address when it tells no MAC address', () => check(found(), 'lamp'))
  it('is not known by its address when many may share it', () =>
    expect(knownAs(found({ address: '127.0.0.1' }), register([device({ ip: '127.0.0.1' })]))).toBeNull())
  it('waits all the same when it is turned away at the door', () => check({ seen: knock(), door: knock() }, null))
  it('is not counted as new, nor is one that is being paired', () => {
    const all = gathered([candidate({ id: 1, mac: 'A1', address: 'a' }), candidate({ id: 3, address: 'b' }), candidate({ id: 4, address: 'c' })])
    const pairings = [progress({ candidate: 3 }), progress({ candidate: 4, stage: 'failed', ended_ms: 5 })]
    expect(newOnes(all, pairings, register([device({ mac: 'A1' })])).map(({ seen }) => seen.id)).toEqual([4])
  })
})

describe('a board in words', () => {
  const check = (waiting: Waiting, title: string, line: string) => expect([titleOf(waiting, FIRMWARES), lineOf(waiting, FIRMWARES)]).toEqual([title, line])
  it('is called by its name', () => check(found({ name: 'Desk', model: 'ESP8266EX', http_port: 8080 }), 'Desk', 'ESP8266EX · Tasmota · 192.168.1.20:8080'))
  it('is called by its model', () => check(found({ model: 'ESP8266EX' }), 'ESP8266EX', 'Tasmota · 192.168.1.20'))
  it('is called by its client id', () => check({ seen: knock({ firmware: null }), door: knock() }, 'DVES_7F21A4', 'firmware unknown · 192.168.1.20'))
  it('tells how it was met', () => expect([found(), found({ way: 'mdns' }), { seen: knock(), door: knock() }, { seen: candidate(), door: knock() }].map(metBy)).toEqual([
    'answered the search', 'announced itself', 'tried to log in', 'was found, and tried to log in',
  ]))
  it('has a place', () => expect([
    placeOf(candidate({ address: 'fd00::7', http_port: 81 })), placeOf(candidate({ address: null, serial: '/dev/ttyUSB0' })), placeOf(candidate({ http_port: null })),
  ]).toEqual(['[fd00::7]:81', '/dev/ttyUSB0', '192.168.1.20']))
})

describe('a name to begin with', () => {
  const check = (waiting: Waiting, expected: string, taken: string[] = []) => expect(properName(waiting, FIRMWARES, taken)).toBe(expected)
  it('is the one the board has', () => check(found({ name: ' Desk ' }), 'Desk'))
  it('tells boards of one firmware apart', () => check(found({ name: 'Tasmota', mac: '5CCF7F00A008' }), 'Tasmota A008'))
  it('takes the digits of a client id', () => check({ seen: knock(), door: knock() }, 'Tasmota 21A4'))
  it('is not one that is taken', () => check(found({ name: 'Desk' }), 'Desk 3', ['desk', 'Desk 2']))
  it('is something for a board nobody knows', () => check(found({ firmware: null }), 'Board'))
  it('is free', () => expect(freeName('Desk', ['Lamp'])).toBe('Desk'))
})

describe('time left', () => {
  const check = (ms: number, expected: string) => expect(timeLeft(1_000 + ms, 1_000)).toBe(expected)
  it('is minutes and seconds, and never below nothing', () => {
    check(103_000, '1:43')
    check(59_001, '1:00')
    check(7_000, '0:07')
    check(-5_000, '0:00')
  })
})

describe('the steps of a pairing', () => {
  const check = (stage: PairingProgress['stage'], reached: PairingProgress['stage'], way: PairingProgress['way'], expected: string) => expect(stepsOf({ stage, reached, way }).map(({ at }) => at).join(' ')).toBe(expected)
  it('are behind, here and ahead', () => check('handing_over', 'handing_over', 'push', 'done now ahead'))
  it('are all behind when the board is in', () => check('paired', 'paired', 'push', 'done done done'))
  it('tell where it failed', () => {
    check('failed', 'waiting', 'push', 'done done failed')
    check('revoking', 'handing_over', 'push', 'done failed ahead')
  })
  it('are fewer for a board that is let in as it is', () => check('waiting', 'waiting', 'as_it_is', 'done now'))
  it('have a headline', () => expect([headline(progress()), headline(progress({ stage: 'paired' })), headline(progress({ stage: 'revoking' }))]).toEqual(['Pairing Lamp', 'Lamp is paired', 'Lamp was not paired']))
})

describe('that a board is paired', () => {
  const check = (device: 'there' | 'unavailable' | 'none', wasThere: boolean, age: number, expected: boolean) =>
    expect(isOldNews({ stage: 'paired', ended_ms: 1_000 }, device, wasThere, 1_000 + age)).toBe(expected)
  it('is said for a while when its device is seen', () => {
    check('there', true, PAIRED_SHOWN_MS - 1, false)
    check('there', true, PAIRED_SHOWN_MS, true)
  })
  it('is said for longer while no device comes', () => {
    check('none', false, PAIRED_SHOWN_MS, false)
    check('none', false, PAIRED_UNSEEN_MS, true)
  })
  it('is not said of a device that is gone again', () => {
    check('none', true, 0, true)
    check('unavailable', true, 0, true)
    check('unavailable', false, 0, false)
  })
  it('is not what a failed one says', () => expect(isOldNews({ stage: 'failed', ended_ms: 1 }, 'none', true, 10 * PAIRED_UNSEEN_MS)).toBe(false))
})

describe('what is asked of the hub', () => {
  const draft: Draft = { name: ' Lamp ', area: null, newRoom: '', firmware: null, way: 'push', at: '', boardPassword: ' secret ', ssid: '', wifiPassword: 'left over' }
  const both: Waiting = { seen: candidate(), door: knock() }
  it('is the board that was found, with its password as it was typed', () =>
    expect(acceptance({ kind: 'waiting', waiting: both, gone: false }, draft, 'kitchen')).toMatchObject({ candidate: 1, name: 'Lamp', area: 'kitchen', board_password: ' secret ', wifi_ssid: null, wifi_password: null }))
  it('is the knock when it comes in as it is, and no secret goes anywhere', () =>
    expect(acceptance({ kind: 'waiting', waiting: both, gone: false }, { ...draft, way: 'as_it_is', at: '192.168.1.9', ssid: 'home' }, null)).toMatchObject({ candidate: 2, address: null, board_password: null, wifi_ssid: null, wifi_password: null }))
  it('is told the firmware that only its page told', () => {
    const silent: Waiting = { seen: candidate(), door: knock({ firmware: null }) }
    expect(acceptance({ kind: 'waiting', waiting: silent, gone: false }, { ...draft, way: 'as_it_is' }, null)).toMatchObject({ candidate: 2, firmware: 'tasmota' })
    expect(acceptance({ kind: 'waiting', waiting: silent, gone: false }, draft, null)).toMatchObject({ candidate: 1, firmware: null })
    expect(acceptance({ kind: 'waiting', waiting: { seen: knock({ firmware: null }), door: knock({ firmware: null }) }, gone: false }, { ...draft, firmware: 'wled' }, null)).toMatchObject({ candidate: 2, firmware: 'wled' })
  })
  it('is a cable with the network to join', () =>
    expect(acceptance({ kind: 'serial', port: '/dev/ttyUSB0' }, { ...draft, firmware: 'tasmota', ssid: 'home' }, null)).toMatchObject({ candidate: null, serial: '/dev/ttyUSB0', firmware: 'tasmota', wifi_ssid: 'home', wifi_password: 'left over' }))
  it('is another address for the page of one that knocked', () =>
    expect(acceptance({ kind: 'waiting', waiting: { seen: knock(), door: knock() }, gone: false }, { ...draft, at: '127.0.0.1:8080' }, null)).toMatchObject({ candidate: 2, address: '127.0.0.1:8080' }))
})
