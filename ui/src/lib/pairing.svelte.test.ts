import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { CandidateView, PairingProgress, PairingView } from './api.gen'
import { Pairing } from './pairing.svelte'
import type { Sink, Transport } from './transport'

vi.mock('./hub', () => ({ hub: {} }))

const view = (over: Partial<PairingView> = {}): PairingView => ({ open_until_ms: null, candidates: [], turned_away: 0, pairings: [], search: null, network: null, ...over })
const one = (id: number, begun_ms = 1): PairingProgress => ({ id, begun_ms, ended_ms: 2, stage: 'failed', reached: 'waiting', candidate: null, name: 'Lamp' } as PairingProgress)
const knock = { id: 1, way: 'refused', client_id: 'DVES_1', address: 'a', firmware: null } as CandidateView
const DRAFT = { name: 'Lamp', boardPassword: 'secret' } as never

let pairing: Pairing
let sink: Sink<PairingView>
beforeEach(() => {
  const transport = { subscribe: (_method: string, _params: unknown, to: Sink<PairingView>) => { sink = to; return () => {} }, call: async () => ({ firmwares: [{ id: 'tasmota' }] }) }
  pairing = new Pairing(transport as unknown as Transport)
  pairing.start()
})

describe('pairing on a page', () => {
  it('knows what the hub tells, and the firmwares once it is there', async () => {
    sink.open?.()
    sink.item(view({ candidates: [knock] }))
    await Promise.resolve()
    expect(pairing.firmwares.map(({ id }) => id)).toEqual(['tasmota'])
    expect(pairing.board(1)?.seen).toBe(knock)
    expect(pairing.waiting.length).toBe(1)
  })

  it('shows the newest first, and what was put away no more', () => {
    sink.item(view({ pairings: [one(1), one(2)] }))
    pairing.dismiss(one(2))
    sink.item(view({ pairings: [one(1), one(2), one(3)] }))
    expect(pairing.shown.map(({ id }) => id)).toEqual([3, 1])
    expect(pairing.progress(2)?.id).toBe(2)
  })

  it('tells a pairing from one of the same number before the hub was restarted', () => {
    pairing.remember(one(1), DRAFT)
    pairing.dismiss(one(2))
    sink.item(view({ pairings: [one(1, 100), one(2, 100)] }))
    expect(pairing.draft(one(1, 100))).toBeNull()
    expect(pairing.shown.length).toBe(2)
  })

  it('keeps what was typed until it is put away', () => {
    pairing.remember(one(1), DRAFT)
    expect(pairing.draft(one(1))).toBe(DRAFT)
    pairing.dismiss(one(1))
    expect(pairing.draft(one(1))).toBeNull()
  })

  it('remembers who knocked, also when it is gone', () => {
    sink.item(view({ candidates: [knock] }))
    sink.item(view())
    expect([pairing.hasKnocked('DVES_1'), pairing.hasKnocked('DVES_2'), pairing.hasKnocked(null)]).toEqual([true, false, false])
  })
})
