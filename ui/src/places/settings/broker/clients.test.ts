import { describe, expect, it } from 'vitest'
import type { ClientsFrame, ClientView } from '../../../lib/api.gen'
import { ApiError, type Sink } from '../../../lib/transport'
import { arranged, counts, found, kept, merged, take, turned, type View } from './clients'
import { Clients } from './clients.svelte'

const client = (client_id: string, more: Partial<ClientView> = {}): ClientView => ({
  client_id, user: 'u', address: '127.0.0.1', transport: 'tcp', version: '5', since_ms: 0, connected: true, keepalive_s: 30, expiry_s: 0, subscription_count: 0,
  queued: 0, queued_bytes: 0, in_flight: 0, messages_in: 0, messages_out: 0, rate_in: 0, rate_out: 0, dropped: 0, denied: 0, learning: false, in_trouble: false, ...more,
})
const view = (more: Partial<View> = {}): View => ({ order: { by: 'client_id', down: false }, search: '', kind: null, ...more })
const ids = (clients: readonly ClientView[]) => clients.map(({ client_id }) => client_id)
const mapOf = (clients: readonly ClientView[]) => new Map(clients.map((one) => [one.client_id, one]))

describe('clients', () => {
  const all = [client('b10', { queued: 3 }), client('b2', { queued: 3, user: 'node-red' }), client('a', { queued: 9, connected: false, address: '10.0.0.7' }), client('c', { in_trouble: true, learning: true }), client('d', { denied: 3, dropped: 1 })]

  it('sort by name as people count, and by number; equal ones by id', () => {
    expect(arranged(all, view())).toEqual(['a', 'b2', 'b10', 'c', 'd'])
    expect(arranged(all, view({ order: { by: 'queued', down: true } }))).toEqual(['a', 'b2', 'b10', 'c', 'd'])
    expect(arranged(all, view({ order: { by: 'queued', down: false } }))).toEqual(['c', 'd', 'b2', 'b10', 'a'])
  })
  it('turn round when the same column is chosen again; numbers begin with the largest', () => {
    expect(turned({ by: 'client_id', down: false }, 'client_id')).toEqual({ by: 'client_id', down: true })
    expect(turned({ by: 'client_id', down: true }, 'rate_in')).toEqual({ by: 'rate_in', down: true })
    expect(turned({ by: 'rate_in', down: true }, 'user')).toEqual({ by: 'user', down: false })
  })
  it('are found by id, user and address', () => {
    const check = (search: string, expected: string[]) => expect(ids(all.filter((one) => found(one, search))), search).toEqual(expected)
    check(' B1 ', ['b10'])
    check('RED', ['b2'])
    check('10.0', ['a'])
    check('', ['b10', 'b2', 'a', 'c', 'd'])
  })
  it('are filtered and counted by their state; what was lost before it was mended is no trouble', () => {
    expect(arranged(all, view({ kind: 'asleep' }))).toEqual(['a'])
    expect(arranged(all, view({ kind: 'trouble' }))).toEqual(['c'])
    expect(counts(all)).toEqual({ all: 5, connected: 4, asleep: 1, trouble: 1, learning: 1 })
  })
  it('keep their places between two sortings; who is new comes last, who is gone leaves', () => {
    const byQueue = view({ order: { by: 'queued', down: true } })
    const now = mapOf([client('a', { queued: 1 }), client('b', { queued: 5 }), client('new', { queued: 99 })])
    expect(kept(['a', 'gone', 'b'], now, byQueue)).toEqual(['a', 'b', 'new'])
    expect(kept(['a', 'b'], now, view({ kind: 'asleep' }))).toEqual(['a', 'b'])
  })
})

describe('frames', () => {
  it('are put into one: the newest of each client, and the last word on whether it is there', () => {
    const one = merged([{ changed: [client('a', { queued: 1 }), client('b')], gone: [] }, { changed: [client('a', { queued: 2 })], gone: ['b', 'c'] }, { changed: [client('c')], gone: [] }])
    expect(one).toEqual({ changed: [client('a', { queued: 2 }), client('c')], gone: ['b'] })
  })
  it('tell whether somebody came or went', () => {
    const map = mapOf([client('a')])
    const check = (frame: ClientsFrame, moved: boolean) => expect(take(map, frame)).toBe(moved)
    check({ changed: [client('a', { queued: 1 })], gone: [] }, false)
    check({ changed: [client('b')], gone: [] }, true)
    check({ changed: [client('c')], gone: ['a'] }, true)
    check({ changed: [], gone: ['nobody'] }, false)
    expect([...map.keys()]).toEqual(['b', 'c'])
  })
})

describe('the live list', () => {
  function started(shown = view()) {
    let sink!: Sink<ClientsFrame>
    let draw: (() => void) | null = null
    const clients = new Clients(shown, (next) => { draw = next; return () => { draw = null } })
    const stop = clients.start((next) => { sink = next; next.open?.(); return () => {} })
    return { clients, stop, sink, frame: (changed: ClientView[], gone: string[] = []) => sink.item({ changed, gone }), draw: () => draw?.() }
  }

  it('is told once per drawn frame, however many came', () => {
    const { clients, stop, frame, draw } = started()
    frame([client('a')])
    frame([client('b')])
    frame([client('a', { queued: 7 })])
    expect(clients.version).toBe(0)
    draw()
    expect(clients.version).toBe(1)
    expect(clients.ids).toEqual(['a', 'b'])
    expect(clients.get('a')?.queued).toBe(7)
    stop()
  })
  it('does not move rows while a moving column changes, until it is sorted again', () => {
    const { clients, stop, frame, draw } = started(view({ order: { by: 'rate_in', down: true } }))
    frame([client('a', { rate_in: 9 }), client('b', { rate_in: 1 })])
    draw()
    const before = clients.ids
    frame([client('a', { rate_in: 1 }), client('b', { rate_in: 9 })])
    draw()
    expect(clients.ids).toBe(before)
    clients.sort()
    expect(clients.ids).toEqual(['b', 'a'])
    stop()
  })
  it('forgets who left while the connection was lost', () => {
    const { clients, stop, sink, frame, draw } = started()
    frame([client('a'), client('b')])
    draw()
    sink.open?.()
    frame([client('b'), client('c')])
    draw()
    expect(clients.ids).toEqual(['b', 'c'])
    expect(clients.get('a')).toBeUndefined()
    stop()
  })
  it('says why the stream ended', () => {
    const { clients, stop, sink } = started()
    sink.end?.(new ApiError('internal', 'Too many watch already.'))
    expect([clients.loading, clients.error]).toEqual([false, 'Too many watch already.'])
    stop()
  })
})
