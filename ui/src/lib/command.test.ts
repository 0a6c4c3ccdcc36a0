import { flushSync } from 'svelte'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { CommandState } from './api.gen'
import { clock } from './clock.svelte'
import { command, SENTENCE_MS, trouble, waitingFor } from './command.svelte'
import { hub } from './hub'
import { live, LiveEntity } from './live.svelte'
import { entity, frame, state } from './sample.test-data'

const given = (over: Partial<CommandState> = {}): CommandState => ({
  verb: 'turn_on', value: null, stage: 'sent', asked_ms: 1_000, since_ms: 1_000, until_ms: null, why: null, ...over,
})

const MINUTE_MS = 60_000

describe('the words about a command', () => {
  const now = 1_000 + 5_000
  it.each([
    [given(), null],
    [given({ stage: 'confirmed' }), null],
    [given({ stage: 'unconfirmed', why: 'No answer for 8 s.' }), 'Unconfirmed: No answer for 8 s.'],
    [given({ stage: 'held', why: 'Pump rests' }), 'Held back by the relay guard: Pump rests.'],
    [given({ stage: 'expired', why: 'It did not wake.' }), 'Not sent: It did not wake.'],
    [null, null],
  ])('%o is told as %s', (of, expected) => expect(trouble(of, now)).toBe(expected))
  it('are old after a minute', () => expect(trouble(given({ stage: 'unconfirmed' }), 1_000 + SENTENCE_MS)).toBeNull())
  it('say what it waits for', () => {
    const waiting = given({ stage: 'waiting', verb: 'set_position', value: 40, until_ms: now + 20 * 60 * MINUTE_MS })
    expect(waitingFor(waiting, now)).toMatch(/^Waits until it wakes: “set position 40”, given 5.s ago\. It is given up in 20.h\.$/)
    expect(waitingFor({ ...waiting, stage: 'away', until_ms: null }, now)).toMatch(/^Waits until the board is back: “set position 40”, given 5.s ago\.$/)
    expect(waitingFor(given(), now)).toMatch(/^Sending\./)
    expect(waitingFor(given({ stage: 'confirmed' }), now)).toBeNull()
  })
})

describe('a command', () => {
  const id = 'plug.power'
  const frameOf = (over: Partial<CommandState>) => live.receive(frame({ commands: [{ entity: id, command: given({ since_ms: clock.read(), ...over }) }] }))
  beforeEach(() => {
    vi.restoreAllMocks()
    live.entities.set(id, new LiveEntity(entity(), state(), null))
  })

  it('follows the word of the hub, and no clock of its own', async () => {
    let answer: (value: never) => void = () => {}
    vi.spyOn(hub, 'call').mockReturnValue(new Promise((resolve) => { answer = resolve }))
    const sent = command.send(id, 'turn_on')
    expect([command.isPending(id), command.trouble(id)]).toEqual([true, null])
    frameOf({ stage: 'sent' })
    answer({} as never)
    await sent
    expect(command.isPending(id)).toBe(true)
    // Another report is none of the page's business.
    live.receive(frame({ states: [{ entity: id, state: state({ value: true, reported_ms: 9 }) }] }))
    expect(command.isPending(id)).toBe(true)
    frameOf({ stage: 'confirmed' })
    flushSync()
    expect([command.isPending(id), command.trouble(id), command.note(id), command.stage(id)]).toEqual([false, null, null, null])
  })

  it('says in the hub’s words that nobody confirmed it', () => {
    frameOf({ stage: 'unconfirmed', why: 'No answer for 8 s.' })
    expect(command.trouble(id)).toBe('Unconfirmed: No answer for 8 s.')
    frameOf({ stage: 'waiting' })
    expect([command.trouble(id), command.isPending(id)]).toEqual([null, false])
    expect(command.note(id)).toMatch(/^Waits until it wakes/)
    expect(command.stage(id)).toBe('Waits until it wakes')
  })

  it('that the hub does not take says why, until the next one', async () => {
    vi.spyOn(hub, 'call').mockRejectedValueOnce(new Error('`set` of `plug.power`: 31 is above 30'))
    await command.send(id, 'set', 31)
    expect([command.trouble(id), command.isPending(id)]).toEqual(['`set` of `plug.power`: 31 is above 30', false])
    vi.spyOn(hub, 'call').mockResolvedValueOnce({} as never)
    await command.send(id, 'set', 30)
    expect(command.trouble(id)).toBeNull()
  })
})
