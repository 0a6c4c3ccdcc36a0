import { describe, expect, it } from 'vitest'
import type { TopicMessage } from '../../lib/api.gen'
import { GLOW_PAUSE_MS, rowsOf, step, TopicTree, waysTo, wordsOf } from './tree'

let nextId = 1
function message(topic: string, payload = '1', more: Partial<TopicMessage> = {}): TopicMessage {
  return {
    id: nextId++, time_ms: 0, topic, payload, encoding: 'text', bytes: payload.length, qos: 0,
    retain: false, publisher: { user: 'board', client_id: 'board' }, cause: null, ...more,
  }
}
function treeOf(...topics: string[]): TopicTree {
  const tree = new TopicTree()
  for (const topic of topics) tree.arrived(message(topic), 0)
  return tree
}
const shown = (tree: TopicTree, open: string[] = [], search = '') =>
  rowsOf(tree.root, new Set(open), wordsOf(search)).map((row) => row.path)

describe('the tree that slashes make', () => {
  it('shows one closed row per first level, in natural order', () => {
    expect(shown(treeOf('room10/t', 'room2/t', 'attic'))).toEqual(['attic', 'room2', 'room10'])
  })
  it('shows what is open', () => {
    expect(shown(treeOf('a/b/c', 'a/d', 'e'), ['a'])).toEqual(['a', 'a/b', 'a/d', 'e'])
  })
  it('keeps empty levels, which MQTT allows', () => {
    expect(shown(treeOf('/a', 'b//c'), ['', 'b', 'b/'])).toEqual(['', '/a', 'b', 'b/', 'b//c'])
  })
  it('lets a topic be a branch and carry a message', () => {
    const tree = treeOf('a', 'a/b')
    expect([tree.find('a')?.topics, tree.find('a')?.message?.topic]).toEqual([2, 'a'])
  })
})

describe('search', () => {
  const tree = treeOf('tele/Plug/SENSOR', 'tele/plug/LWT', 'home/lamp')
  const check = (search: string, expected: string[]) => expect(shown(tree, [], search)).toEqual(expected)
  it('opens the way to every hit, whatever the case', () => {
    check('PLUG', ['tele', 'tele/plug', 'tele/plug/LWT', 'tele/Plug', 'tele/Plug/SENSOR'])
  })
  it('wants every word', () => check('plug lwt', ['tele', 'tele/plug', 'tele/plug/LWT']))
  it('shows nothing when nothing fits', () => check('cellar', []))
  it('leaves a hit closed that was closed by hand', () => {
    expect(rowsOf(tree.root, new Set(), ['plug'], new Set(['tele'])).map((row) => row.path)).toEqual(['tele'])
  })
})

describe('messages', () => {
  it('count up to the root', () => {
    const tree = treeOf('a/b', 'a/b', 'a/c')
    expect([tree.find('a/b')?.count, tree.find('a')?.total, tree.size]).toEqual([2, 3, 2])
  })
  it('take the journal count from a snapshot', () => {
    const tree = treeOf('a/b')
    const last = message('a/b', '7')
    tree.snapshot({ count: 40, last, retained: true })
    expect([tree.find('a/b')?.count, tree.find('a')?.total, tree.find('a/b')?.message, tree.find('a/b')?.retained])
      .toEqual([40, 40, last, true])
  })
  it('do not go back to an older one', () => {
    const tree = new TopicTree()
    const old = message('a', 'old')
    const now = message('a', 'new')
    tree.arrived(now, 0)
    tree.snapshot({ count: 2, last: old, retained: false })
    expect(tree.find('a')?.message?.payload).toBe('new')
  })
  it('keep the one before for the comparison', () => {
    const tree = treeOf('a')
    tree.arrived(message('a', '2'), 0)
    expect(tree.find('a')?.previous?.payload).toBe('1')
  })
  it('set and clear the retained mark', () => {
    const tree = new TopicTree()
    tree.arrived(message('a', '1', { retain: true }), 0)
    expect(tree.find('a')?.retained).toBe(true)
    tree.arrived(message('a', '', { retain: true, bytes: 0 }), 0)
    expect(tree.find('a')?.retained).toBe(false)
  })
  it('glow at most once per pause, branches too', () => {
    const tree = new TopicTree()
    tree.arrived(message('a/b'), 10_000)
    tree.arrived(message('a/c'), 10_000 + GLOW_PAUSE_MS - 1)
    expect([tree.find('a')?.glows, tree.find('a/c')?.glows]).toEqual([1, 1])
    tree.arrived(message('a/b'), 10_000 + GLOW_PAUSE_MS)
    expect([tree.find('a')?.glows, tree.find('a/b')?.glows]).toEqual([2, 2])
  })
})

describe('keys', () => {
  const tree = treeOf('a/b', 'a/c', 'd')
  const open = new Set(['a'])
  const rows = rowsOf(tree.root, open, [])
  const check = (key: string, cursor: number, expected: unknown) =>
    expect(step(key, rows, cursor, (node) => open.has(node.path), 10)).toEqual(expected)
  it('walk and stop at the ends', () => {
    check('ArrowDown', 0, { cursor: 1 })
    check('ArrowDown', 3, { cursor: 3 })
    check('ArrowUp', 0, { cursor: 0 })
    check('End', 0, { cursor: 3 })
    check('PageUp', 3, { cursor: 0 })
  })
  it('right enters an open branch, left closes it or climbs', () => {
    check('ArrowRight', 0, { cursor: 1 })
    check('ArrowRight', 3, null)
    check('ArrowLeft', 0, { cursor: 0, close: 'a' })
    check('ArrowLeft', 2, { cursor: 0 })
  })
  it('right opens a closed branch', () => {
    expect(step('ArrowRight', rows, 0, () => false, 10)).toEqual({ cursor: 0, open: 'a' })
  })
})

it('names the branches above a topic', () => expect(waysTo('a/b/c')).toEqual(['a', 'a/b']))

it('finds one topic among 20,000', () => {
  const tree = new TopicTree()
  for (let i = 0; i < 20_000; i++) tree.arrived(message(`site/${i % 200}/device/${i}`), 0)
  expect(rowsOf(tree.root, new Set(), ['device/19999']).length).toBe(4)
})
