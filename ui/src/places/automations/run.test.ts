import { describe, expect, it } from 'vitest'
import type { Cause, RunAction, RunTrigger } from '../../lib/api.gen'
import { actionWords, brief, causeWords, durationWords, type Names, outcomeWords, runWords, triggerWords, waitsFor } from './run'

const names: Names = {
  entity: (id) => ({ 'plug.temperature': 'Plug temperature', 'fan.fan': 'Fan', 'door.door': 'Door' })[id] ?? id,
  value: (entity, value) => {
    if (value === null) return '–'
    if (entity === 'plug.temperature') return `${value} °C`
    return entity === 'door.door' ? (value ? 'open' : 'closed') : String(value)
  },
  automation: (id) => (id === 'cool' ? 'Keep it cool' : id),
}
const trigger = (more: Partial<RunTrigger>): RunTrigger =>
  ({ trigger: '', line: 1, topic: null, payload: null, entity: null, old: null, value: null, message_id: null, ...more })

describe('what set it off', () => {
  const check = (more: Partial<RunTrigger>, expected: string) => expect(triggerWords(trigger(more), names)).toBe(expected)
  it('a bound was crossed', () => {
    check({ trigger: 'above("plug.temperature", 25, #{ clear: 24 })', entity: 'plug.temperature', value: 26.4 },
      'Plug temperature rose to 26.4 °C (above 25 °C)')
    check({ trigger: 'below("plug.temperature", 18.5)', entity: 'plug.temperature', value: 18 },
      'Plug temperature fell to 18 °C (below 18.5 °C)')
  })
  it('a state changed', () => {
    check({ trigger: 'changed("door.door")', entity: 'door.door', old: false, value: true }, 'Door changed from closed to open')
    check({ trigger: 'changed("door.door")', entity: 'door.door', value: true }, 'Door became open')
  })
  it('a message came', () => {
    check({ trigger: 'topic("a/+")', topic: 'a/b', payload: 'ON' }, 'Message on a/b: ON')
    check({ trigger: 'topic("a/+")', topic: 'a/b', payload: '{"a":1}' }, 'Message on a/b')
    check({ trigger: 'topic("a/+")', topic: 'a/b', payload: '' }, 'Empty message on a/b')
  })
  it('it was loaded', () => check({ trigger: 'started()' }, 'The automation was loaded'))
  it('something newer than this page', () => check({ trigger: 'cron("0 7 * * *")' }, 'cron("0 7 * * *")'))
})

describe('what it waits for', () => {
  const check = (text: string, expected: string) => expect(waitsFor(text, names)).toBe(expected)
  it('is said in a few words', () => {
    check('topic("a/+")', 'Message on a/+')
    check('above("plug.temperature", 25)', 'Plug temperature above 25 °C')
    check('changed("door.door", #{ to: true })', 'Door becomes open')
    check('changed("door.door")', 'Door changes')
    check('started()', 'When loaded')
    check('changed("door.door", #{ to: "off" })', 'Door becomes closed')
    check('changed(["fan.fan", "door.door"])', 'Fan or Door changes')
    check('any([started()])', 'any([started()])')
  })
})

describe('what it did', () => {
  const check = (action: RunAction, expected: string) => expect(actionWords(action, names)).toBe(expected)
  it('in words', () => {
    check({ kind: 'command', entity: 'fan.fan', verb: 'turn_on', value: null }, 'turned on Fan')
    check({ kind: 'command', entity: 'fan.fan', verb: 'set', value: 40 }, 'set Fan to 40')
    check({ kind: 'command', entity: 'fan.fan', verb: 'start_pause', value: null }, 'start pause Fan')
    check({ kind: 'publish', topic: 'a/b', payload: 'ON', retain: true }, 'published ON to a/b (retained)')
    check({ kind: 'publish', topic: 'a/b', payload: '{"a":1}', retain: false }, 'published to a/b')
    check({ kind: 'publish', topic: 'a/b', payload: '', retain: false }, 'published an empty message to a/b')
    check({ kind: 'refused', what: 'turn_on("x")', why: 'There is no x.' }, 'turn_on("x") was refused')
  })
})

describe('a run in one sentence', () => {
  const on: RunAction = { kind: 'command', entity: 'fan.fan', verb: 'turn_on', value: null }
  const no: RunAction = { kind: 'refused', what: 'x', why: 'y' }
  const check = (actions: RunAction[], error: { message: string; line: number | null; column: null } | null, expected: string) =>
    expect(outcomeWords({ actions, error, log: [] }, names)).toBe(expected)
  it('names a few actions and counts the rest', () => {
    check([], null, 'did nothing')
    check([on], null, 'turned on Fan')
    check([on, on, on, on], null, 'turned on Fan, turned on Fan and 2 more')
  })
  it('tells a run that only spoke from one that did nothing', () => {
    expect(outcomeWords({ actions: [], error: null, log: [{ time_ms: 0, level: 'info', text: 'a' }] }, names)).toBe('only wrote to its log')
  })
  it('does not hide what was refused or failed', () => {
    check([on, no], null, 'turned on Fan and 1 action was refused')
    check([], { message: 'm', line: 4, column: null }, 'failed in line 4')
    check([no, no], { message: 'm', line: null, column: null }, '2 actions were refused and failed')
  })
  it('joins cause and outcome', () => {
    expect(runWords({ trigger: trigger({ trigger: 'above("plug.temperature", 25)', entity: 'plug.temperature', value: 26.4 }), actions: [on], error: null, log: [] }, names))
      .toBe('Plug temperature rose to 26.4 °C (above 25 °C) → turned on Fan')
  })
})

describe('causes', () => {
  const check = (cause: Cause, text: string, href: string | null) => expect(causeWords(cause, names)).toEqual({ text, href })
  it('say who, and lead to the automation', () => {
    check({ kind: 'person', who: 'owner' }, 'By you', null)
    check({ kind: 'person', who: 'wall panel' }, 'By wall panel', null)
    check({ kind: 'run', run: 'r', automation: 'cool', depth: 1 }, 'Automation Keep it cool', '#/automations/cool')
    check({ kind: 'run', run: 'r', automation: 'cool', depth: 3 }, 'Automation Keep it cool (step 3 of a chain)', '#/automations/cool')
    check({ kind: 'hub', why: 'The demo home moved' }, 'The demo home moved', null)
  })
})

it('writes a duration so that it can be compared', () => {
  expect([durationWords(420), durationWords(12_400)]).toEqual(['0.4 ms', '12 ms'])
})

it('cuts a payload for a sentence', () => expect(brief('x'.repeat(100)).length).toBe(61))
