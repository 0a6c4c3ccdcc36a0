import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { TopicFrame, TopicMessage, Topics } from '../../lib/api.gen'
import { Explorer, type Source } from './explorer.svelte'

function message(id: number, topic: string, payload = String(id)): TopicMessage {
  return { id, time_ms: id, topic, payload, encoding: 'text', bytes: payload.length, qos: 0, retain: false, publisher: { user: 'u', client_id: 'c' }, cause: null }
}

/** A hub with pages of topics, whose stream the test drives. */
function hub(pages: Topics[]) {
  let item: (frame: TopicFrame) => void = () => {}
  let opened: () => void = () => {}
  const asked: (string | null)[] = []
  const source: Source = {
    list: async (after) => { asked.push(after); return pages[asked.length - 1] ?? { topics: [], more: false } },
    watch: (onItem, onOpened) => { item = onItem; opened = onOpened; opened(); return () => {} },
  }
  return {
    source, asked, reconnect: () => opened(),
    send: (messages: TopicMessage[], count = messages.length) => item({ messages, count }),
  }
}
const view = (id: number, topic: string, count = 1) => ({ count, last: message(id, topic), retained: false })

beforeEach(() => { vi.useFakeTimers() })
afterEach(() => { vi.useRealTimers() })

describe('the live tree', () => {
  it('reads the snapshot page by page', async () => {
    const { source, asked } = hub([{ topics: [view(1, 'a', 7)], more: true }, { topics: [view(2, 'b')], more: false }])
    const explorer = new Explorer(source)
    explorer.start()
    await vi.advanceTimersByTimeAsync(0)
    expect(asked).toEqual([null, 'a'])
    expect([explorer.tree.size, explorer.tree.find('a')?.count, explorer.loading]).toEqual([2, 7, false])
  })
  it('keeps what arrived while the snapshot was on its way', async () => {
    const { source, send } = hub([{ topics: [view(1, 'a')], more: false }])
    const explorer = new Explorer(source)
    explorer.start()
    send([message(9, 'a', 'newer')])
    await vi.advanceTimersByTimeAsync(0)
    expect(explorer.tree.find('a')?.message?.payload).toBe('newer')
  })
  it('asks again after a reconnect', async () => {
    const { source, asked, reconnect } = hub([])
    new Explorer(source).start()
    reconnect()
    await vi.advanceTimersByTimeAsync(0)
    expect(asked.length).toBe(2)
  })
  it('redraws a burst once', async () => {
    const { source, send } = hub([])
    const explorer = new Explorer(source)
    explorer.start()
    await vi.advanceTimersByTimeAsync(0)
    const before = explorer.tick
    for (let id = 1; id <= 50; id++) send([message(id, 'a')])
    await vi.advanceTimersByTimeAsync(1000)
    expect(explorer.tick).toBe(before + 1)
  })
  it('asks for the counts that frames merged away', async () => {
    const { source, send, asked } = hub([])
    new Explorer(source).start()
    await vi.advanceTimersByTimeAsync(0)
    send([message(5, 'a')], 5)
    await vi.advanceTimersByTimeAsync(61_000)
    expect(asked.length).toBe(2)
  })
  it('says why it is empty', async () => {
    const error = { code: 'internal', message: 'The journal cannot be read.' }
    const explorer = new Explorer({ list: () => Promise.reject(error), watch: (_item, opened) => { opened(); return () => {} } })
    explorer.start()
    await vi.advanceTimersByTimeAsync(0)
    expect([explorer.error?.message, explorer.loading]).toEqual([error.message, false])
  })
})

describe('pause', () => {
  it('holds the picture still, counts, and catches up', async () => {
    const { source, send } = hub([{ topics: [view(1, 'a')], more: false }])
    const explorer = new Explorer(source)
    explorer.start()
    await vi.advanceTimersByTimeAsync(0)
    explorer.pause(true)
    send([message(2, 'a')])
    send([message(3, 'a')])
    expect([explorer.tree.find('a')?.message?.id, explorer.waiting]).toEqual([1, 2])
    explorer.pause(false)
    expect([explorer.tree.find('a')?.message?.id, explorer.waiting, explorer.tree.uncounted]).toEqual([3, 0, 1])
  })
})
