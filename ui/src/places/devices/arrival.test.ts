import { flushSync } from 'svelte'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ActivityLine, ClientView, Frame } from '../../lib/api.gen'
import { live } from '../../lib/live.svelte'
import { frame } from '../../lib/sample.test-data'
import { Arrival } from './arrival.svelte'

vi.mock('../../lib/hub', () => ({ hub: { call: async () => ({ credentials: [{ name: 'plug' }, { name: 'neighbour' }] }) } }))

let arrival: Arrival
let end: () => void
beforeEach(async () => {
  arrival = new Arrival('plug')
  end = arrival.start()
  await Promise.resolve()
})
afterEach(() => end())

const tell = (over: Partial<Frame>): void => { live.receive(frame(over)); flushSync() }
const line = (level: ActivityLine['level'], subject: string | null, text: string): Partial<Frame> => ({ activity: [{ id: 1, time_ms: 1, level, about: 'client', subject, text }] })
const client = (user: string, client_id: string): Partial<Frame> => ({ connected: [{ user, client_id } as ClientView] })

describe('the arrival of a board', () => {
  it('is its own login, not a neighbour\'s', () => {
    tell(client('neighbour', 'n'))
    expect(arrival.connected).toBe(false)
    tell(client('plug', 'p'))
    expect(arrival.connected).toBe(true)
  })

  it('shows what it is refused, also after the login, each once', () => {
    tell(line('warning', 'plug', 'wrong password'))
    expect(arrival.refusals).toEqual(['wrong password'])
    tell(client('plug', 'p'))
    expect(arrival.refusals).toEqual([])
    tell(line('warning', 'plug', 'may not publish to `x`'))
    tell(line('warning', 'plug', 'may not publish to `x`'))
    expect(arrival.refusals).toEqual(['may not publish to `x`'])
  })

  it('says when it left, and why; another connection of it counts', () => {
    tell(client('plug', 'p'))
    tell(client('plug', 'p2'))
    tell({ disconnected: ['p'] })
    expect(arrival.left).toBe(false)
    tell({ disconnected: ['p2'], ...line('info', 'plug', 'it said goodbye') })
    expect([arrival.left, arrival.leaving]).toEqual([true, 'it said goodbye'])
  })

  it('tells of a name nobody has, and not of a neighbour\'s slip', () => {
    tell(line('warning', 'neighbour', 'wrong password'))
    expect(arrival.stranger).toBeNull()
    tell(line('warning', 'plugg', 'no such name'))
    expect(arrival.stranger).toEqual({ name: 'plugg', text: 'no such name' })
    tell(client('plug', 'p'))
    expect(arrival.stranger).toBeNull()
  })
})
