import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { BACKOFF_FIRST_MS, CALL_PATIENCE_MS, type Connection, socketTransport } from './transport'

/** A socket whose other end is the test. */
class Socket {
  static all: Socket[] = []
  onopen?: () => void
  onmessage?: (event: { data: string }) => void
  onclose?: () => void
  sent: { op: string; id: number; method?: string }[] = []
  constructor(readonly url: string) { Socket.all.push(this) }
  send(text: string): void { this.sent.push(JSON.parse(text)) }
  answer(message: object): void { this.onmessage?.({ data: JSON.stringify(message) }) }
}

let session = 200
const settle = () => vi.advanceTimersByTimeAsync(0)

beforeEach(() => {
  vi.useFakeTimers()
  Socket.all = []
  session = 200
  vi.stubGlobal('WebSocket', Socket)
  vi.stubGlobal('fetch', vi.fn(async () => ({ status: session, ok: session < 400, statusText: '' })))
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

async function opened() {
  const transport = socketTransport('http://hub')
  const seen: Connection[] = []
  transport.watch((connection) => seen.push(connection))
  await settle()
  const socket = Socket.all[0]!
  socket.onopen?.()
  return { transport, socket, seen }
}

describe('the door of a browser', () => {
  it('opens the events socket of the hub it came from', async () => {
    const { socket, seen } = await opened()
    expect(socket.url).toBe('ws://hub/api/events')
    expect(seen).toEqual(['connecting', 'open'])
  })

  it('gives each call its own answer', async () => {
    const { transport, socket } = await opened()
    const first = transport.call('info', {})
    const second = transport.call('home', {})
    await settle()
    const [a, b] = socket.sent
    socket.answer({ id: b!.id, ok: 'home' })
    socket.answer({ id: a!.id, ok: 'info' })
    expect(await first).toBe('info')
    expect(await second).toBe('home')
  })

  it('passes the hub\'s words on', async () => {
    const { transport, socket } = await opened()
    const call = transport.call('get_device', { id: 'x' })
    await settle()
    socket.answer({ id: socket.sent[0]!.id, err: { code: 'not_found', message: 'There is no device x.' } })
    await expect(call).rejects.toMatchObject({ code: 'not_found', message: 'There is no device x.' })
  })

  it('subscribes again after the connection was lost', async () => {
    const { transport, socket, seen } = await opened()
    let opens = 0
    transport.subscribe('events', {}, { item: () => {}, open: () => { opens += 1 } })
    socket.onclose?.()
    expect(seen.at(-1)).toBe('reconnecting')
    await vi.advanceTimersByTimeAsync(BACKOFF_FIRST_MS)
    const again = Socket.all[1]!
    again.onopen?.()
    expect(again.sent.map(({ op, method }) => [op, method])).toEqual([['sub', 'events']])
    expect(opens).toBe(2)
    expect(seen.at(-1)).toBe('open')
  })

  it('waits longer each time nobody answers', async () => {
    const { socket } = await opened()
    const ask = vi.mocked(fetch)
    ask.mockRejectedValue(new Error('refused'))
    ask.mockClear()
    socket.onclose?.()
    await vi.advanceTimersByTimeAsync(250 + 500 + 1_000)
    expect(ask).toHaveBeenCalledTimes(3)
    await vi.advanceTimersByTimeAsync(1_999)
    expect(ask).toHaveBeenCalledTimes(3)
    await vi.advanceTimersByTimeAsync(1)
    expect(ask).toHaveBeenCalledTimes(4)
  })

  it('a call in flight fails when the connection is lost; it may have taken effect', async () => {
    const { transport, socket } = await opened()
    const call = transport.call('remove_device', { id: 'x', keep_credential: false })
    await settle()
    socket.onclose?.()
    await expect(call).rejects.toMatchObject({ code: 'offline' })
  })

  it('a question in flight is asked again when the connection is back', async () => {
    const { transport, socket } = await opened()
    const call = transport.call('home', {})
    await settle()
    socket.onclose?.()
    await vi.advanceTimersByTimeAsync(BACKOFF_FIRST_MS)
    const again = Socket.all[1]!
    again.onopen?.()
    await settle()
    expect(again.sent.map(({ op, method }) => [op, method])).toEqual([['call', 'home']])
    again.answer({ id: again.sent[0]!.id, ok: { devices: [], entities: [], areas: [] } })
    await expect(call).resolves.toMatchObject({ devices: [] })
  })

  it('a call made meanwhile waits, but not for ever', async () => {
    const { transport, socket } = await opened()
    vi.mocked(fetch).mockRejectedValue(new Error('refused'))
    socket.onclose?.()
    const call = transport.call('info', {})
    const failed = expect(call).rejects.toMatchObject({ code: 'offline' })
    await vi.advanceTimersByTimeAsync(CALL_PATIENCE_MS)
    await failed
  })

  it('asks for the token instead of trying for ever', async () => {
    session = 401
    const transport = socketTransport('http://hub')
    const seen: Connection[] = []
    transport.watch((connection) => seen.push(connection))
    await vi.advanceTimersByTimeAsync(60_000)
    expect(seen.at(-1)).toBe('signed_out')
    expect(Socket.all).toEqual([])
  })

  it('an ended stream is not asked for again', async () => {
    const { transport, socket } = await opened()
    let ended = 0
    transport.subscribe('watch_topics', { filter: '#' }, { item: () => {}, end: () => { ended += 1 } })
    socket.answer({ id: socket.sent[0]!.id, end: true })
    expect(ended).toBe(1)
    socket.onclose?.()
    await vi.advanceTimersByTimeAsync(BACKOFF_FIRST_MS)
    Socket.all[1]!.onopen?.()
    expect(Socket.all[1]!.sent).toEqual([])
  })
})
