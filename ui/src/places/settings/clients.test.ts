import { describe, expect, it } from 'vitest'
import type { ClientView } from '../../lib/api.gen'
import { joined, left, matching, sorted } from './clients'

const client = (client_id: string, more: Partial<ClientView> = {}): ClientView =>
  ({ client_id, user: 'u', address: '127.0.0.1:1', version: '5', since_ms: 0, connected: true, keepalive_s: 30, subscriptions: [], queued: 0, messages_in: 0, messages_out: 0, dropped: 0, ...more })
const ids = (clients: ClientView[]) => clients.map(({ client_id }) => client_id)

describe('connections', () => {
  const all = [client('b10', { queued: 3 }), client('b2', { queued: 3, subscriptions: ['cmnd/Lamp'] }), client('a', { queued: 9 })]
  it('sort by name as people count, and by number', () => {
    expect(ids(sorted(all, { by: 'client_id', down: false }))).toEqual(['a', 'b2', 'b10'])
    expect(ids(sorted(all, { by: 'queued', down: true }))).toEqual(['a', 'b2', 'b10'])
  })
  it('are found by what they subscribe to', () => expect(ids(matching(all, ' lamp '))).toEqual(['b2']))
  it('come and go', () => {
    expect(ids(joined(all, client('a')))).toEqual(['b10', 'b2', 'a'])
    expect(left(all, 'a').at(-1)?.connected).toBe(false)
  })
})
