import { describe, expect, it } from 'vitest'
import { href, parse } from './router.svelte'

describe('addresses', () => {
  const check = (hash: string, place: string, path: string[], query: Record<string, string> = {}) => {
    const route = parse(hash)
    expect([route.place, route.path, Object.fromEntries(route.query)]).toEqual([place, path, query])
  }
  it('name a place, a path and a query', () => {
    check('', 'home', [])
    check('#/', 'home', [])
    check('#/devices/kitchen_plug?range=7d', 'devices', ['kitchen_plug'], { range: '7d' })
  })
  it('carry topics with all their signs', () => {
    const topic = 'a/b c/#?&=%/ü'
    check(href('topics', [topic], { q: topic }), 'topics', [topic], { q: topic })
  })
  it('survive broken escapes', () => check('#/topics/%zz', 'topics', ['%zz']))
  it('leave out what is not set', () => expect(href('history', [], { range: null, from: '' })).toBe('#/history'))
})
