import { describe, expect, it } from 'vitest'
import { at, chartPath, compare, hexDump, isCut, type Json, type Key, nameFor, numberOf, numberPaths, oneLine, pathText, read } from './payload'

const text = (payload: string) => ({ payload, encoding: 'text' as const, bytes: new TextEncoder().encode(payload).length })

describe('reading a payload', () => {
  const check = (payload: string, expected: unknown) => expect(read(text(payload))).toEqual(expected)
  it('takes objects and arrays for JSON', () => {
    check('{"a":1}', { kind: 'json', json: { a: 1 } })
    check(' [1]', { kind: 'json', json: [1] })
  })
  it('leaves words, numbers and broken JSON alone', () => {
    check('ON', { kind: 'text', text: 'ON' })
    check('21.5', { kind: 'text', text: '21.5' })
    check('{"a":', { kind: 'text', text: '{"a":' })
  })
  it('knows the empty payload', () => check('', { kind: 'empty' }))
  it('shows bytes in pairs', () => {
    expect(read({ payload: '00ff', encoding: 'hex', bytes: 2 })).toEqual({ kind: 'binary', text: '00 ff' })
    expect(hexDump('0'.repeat(34)).split('\n').length).toBe(2)
  })
  it('says when it was cut, in bytes and not characters', () => {
    expect(isCut({ payload: 'é', encoding: 'text', bytes: 2 })).toBe(false)
    expect(isCut({ payload: 'é', encoding: 'text', bytes: 3 })).toBe(true)
    expect(isCut({ payload: '00', encoding: 'hex', bytes: 2 })).toBe(true)
  })
  it('fits a row on one line', () => expect(oneLine(text('{\n  "a": 1\n}'))).toBe('{ "a": 1 }'))
})

describe('numbers', () => {
  const check = (value: Json, expected: number | null) => expect(numberOf(value)).toBe(expected)
  it('are numbers and texts that are nothing else', () => {
    check(1.5, 1.5)
    check('-3e2', -300)
    check(' 7 ', 7)
    check('7 °C', null)
    check('', null)
    check('0x10', null)
    check(true, null)
    check(null, null)
  })
  it('are found inside', () => {
    expect(numberPaths({ Time: 'now', a: [1, { b: 2 }] })).toEqual([['a', 0], ['a', 1, 'b']])
  })
  it('are charted when they move', () => {
    expect(chartPath([{ total: 9, power: 4 }, { total: 9, power: 5 }])).toEqual(['power'])
    expect(chartPath([{ total: 9 }, { total: 9 }])).toEqual(['total'])
    expect(chartPath([{ a: 'x' }])).toEqual([])
  })
})

describe('paths', () => {
  const check = (path: Key[], expected: string | null) => expect(pathText(path)).toBe(expected)
  it('are written as entities take them', () => {
    check([], null)
    check(['ENERGY', 'Power'], 'ENERGY.Power')
    check(['values', 0, 't'], 'values[0].t')
    check([1], '[1]')
    check(['DS18B20-1', 'a b'], '["DS18B20-1"]["a b"]')
  })
  it('lead to a value, or to nothing', () => {
    expect(at({ a: [{ b: 1 }] }, ['a', 0, 'b'])).toBe(1)
    expect(at({ a: 1 }, ['a', 'b'])).toBeUndefined()
    expect(at({}, ['toString'])).toBeUndefined()
  })
})

describe('comparison with the message before', () => {
  it('names what changed, what is new and what is gone', () => {
    const { changes, gone } = compare({ a: 1, b: { c: 2, d: 3 }, e: 1 }, { a: 1, b: { c: 5, d: 3 }, f: 0 })
    expect([...changes]).toEqual([['b.c', { kind: 'changed', before: 2 }], ['f', { kind: 'added' }]])
    expect(gone).toEqual(['e'])
  })
  it('finds nothing between equals', () => expect(compare([1, { a: null }], [1, { a: null }]).changes.size).toBe(0))
  it('treats another kind of value as one change', () => {
    expect([...compare({ a: [1] }, { a: { 0: 1 } }).changes.keys()]).toEqual(['a'])
  })
})

describe('a name for a new entity', () => {
  const check = (topic: string, path: Key[], expected: string) => expect(nameFor(topic, path)).toBe(expected)
  it('is the key, or the level that says something', () => {
    check('tele/plug/SENSOR', ['ENERGY', 'Power'], 'Power')
    check('garden/soil_moisture/state', [], 'Soil moisture')
    check('a', [0], 'A')
  })
})
