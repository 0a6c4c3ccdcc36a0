import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { TopicFrame, TopicMessage } from '../../lib/api.gen'

const answers: TopicMessage[][] = []
const asked: (number | null)[] = []
let item: (frame: TopicFrame) => void = () => {}
vi.mock('../../lib/hub', () => ({
  hub: {
    call: async (_method: string, { before }: { before: number | null }) => { asked.push(before); return { messages: answers.shift() ?? [] } },
    subscribe: (_method: string, _params: unknown, sink: { item: typeof item; open: () => void }) => { item = sink.item; sink.open(); return () => {} },
  },
}))
const { merge, TopicHistory } = await import('./history.svelte')

const message = (id: number): TopicMessage =>
  ({ id, time_ms: id, topic: 'a', payload: String(id), encoding: 'text', bytes: 1, qos: 0, retain: false, publisher: { user: 'u', client_id: 'c' }, cause: null })
const span = (newest: number, count: number) => Array.from({ length: count }, (_, i) => message(newest - i))
const ids = (messages: TopicMessage[]) => messages.map(({ id }) => id)
const settled = () => new Promise((resolve) => { setTimeout(resolve, 0) })

beforeEach(() => { answers.length = asked.length = 0 })

describe('the history of a topic', () => {
  it('has each message once, newest first, and a bound', () => {
    expect(ids(merge([message(3), message(1)], [message(2), message(3)]))).toEqual([3, 2, 1])
    expect(ids(merge([message(2), message(1)], [message(3)], 2))).toEqual([3, 2])
  })
  it('grows by what arrives and by older pages', async () => {
    answers.push(span(200, 100), span(100, 40))
    const history = new TopicHistory('a')
    history.start()
    await settled()
    expect(history.more).toBe(true)
    item({ messages: [message(201)], count: 1 })
    await history.older()
    expect([history.messages.length, history.messages[0]?.id, history.more]).toEqual([141, 201, false])
    expect(asked).toEqual([null, 101])
  })
  it('starts over rather than hide a hole after a long pause', async () => {
    answers.push(span(100, 100), span(1000, 100))
    const history = new TopicHistory('a')
    history.start()
    await settled()
    history.pause(true)
    item({ messages: [message(500)], count: 1 })
    expect(history.messages[0]?.id).toBe(100)
    history.pause(false)
    await settled()
    expect([history.messages[0]?.id, history.messages.length]).toEqual([1000, 100])
  })
})
