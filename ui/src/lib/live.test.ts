import { flushSync } from 'svelte'
import { describe, expect, it } from 'vitest'
import type { ClientView, Frame, HomeSnapshot } from './api.gen'
import { Live } from './live.svelte'
import { device, entity, frame, state } from './sample.test-data'
import type { Sink, Transport } from './transport'

/** A transport whose answers the test gives by hand. */
function byHand() {
  let sink: Sink<Frame> | undefined
  const asked: ((home: HomeSnapshot) => void)[] = []
  const transport = {
    call: (method: string) =>
      method === 'info' ? Promise.resolve({ now_ms: Date.now(), demo: false, troubles: [] }) : new Promise((resolve) => asked.push(resolve as never)),
    subscribe: (_method: string, _params: unknown, given: Sink<never>) => {
      sink = given as Sink<Frame>
      return () => {}
    },
    watch: () => () => {},
    signIn: async () => {},
  } as unknown as Transport
  const home = new Live(transport)
  home.start()
  sink?.open?.()
  const settle = () => new Promise((resolve) => setTimeout(resolve))
  return { home, asked, frame: (over: Partial<Frame>) => sink?.item(frame(over)), settle }
}

const snapshot = (over: Partial<HomeSnapshot> = {}): HomeSnapshot => ({
  devices: [device()], entities: [{ entity: entity(), state: state({ value: 1, reported_ms: 1 }), command: null }], areas: [], ...over,
})

describe('the live home', () => {
  it('starts with a snapshot', async () => {
    const { home, asked, settle } = byHand()
    expect(home.ready).toBe(false)
    asked[0]!(snapshot())
    await settle()
    expect(home.ready).toBe(true)
    expect(home.entities.get('plug.power')?.state.value).toBe(1)
  })

  it('keeps frames that overtake the snapshot', async () => {
    const { home, asked, frame, settle } = byHand()
    frame({ states: [{ entity: 'plug.power', state: state({ value: 2, reported_ms: 1 }) }] })
    asked[0]!(snapshot())
    await settle()
    expect(home.entities.get('plug.power')?.state.value).toBe(2)
  })

  it('counts changes of the value, not repetitions', async () => {
    const { home, asked, frame, settle } = byHand()
    asked[0]!(snapshot())
    await settle()
    const one = home.entities.get('plug.power')!
    frame({ states: [{ entity: one.id, state: state({ value: 1, reported_ms: 5 }) }] })
    expect(one.changes).toBe(0)
    frame({ states: [{ entity: one.id, state: state({ value: 3, reported_ms: 1 }) }] })
    expect(one.changes).toBe(1)
  })

  it('takes a value that nobody reported for unknown', async () => {
    const { home, asked, frame, settle } = byHand()
    asked[0]!(snapshot({ entities: [{ entity: entity(), state: state({ value: false }), command: null }] }))
    await settle()
    const one = home.entities.get('plug.power')!
    expect(one.state.value).toBeNull()
    frame({ states: [{ entity: one.id, state: state({ value: false, reported_ms: 1 }) }] })
    expect(one.state.value).toBe(false)
  })

  it('takes in new things and lets go of removed ones', async () => {
    const { home, asked, frame, settle } = byHand()
    asked[0]!(snapshot())
    await settle()
    frame({ devices: [device({ id: 'lamp', name: 'Lamp' })], entities: [entity({ id: 'lamp.light', device: 'lamp' })] })
    flushSync()
    expect(home.entitiesOf('lamp').map(({ id }) => id)).toEqual(['lamp.light'])
    frame({ devices_removed: ['lamp'], entities_removed: ['lamp.light'] })
    expect(home.devices.has('lamp')).toBe(false)
    expect(home.entitiesOf('lamp')).toEqual([])
  })

  it('asks for everything again when told to, and forgets what is gone', async () => {
    const { home, asked, frame, settle } = byHand()
    asked[0]!(snapshot())
    await settle()
    let told = 0
    home.on('resync', () => { told += 1 })
    frame({ resync: true })
    asked[1]!(snapshot({ devices: [], entities: [] }))
    await settle()
    expect(home.entities.size).toBe(0)
    expect(told).toBe(1)
  })

  it('tells listeners until they stop listening', async () => {
    const { home, asked, frame, settle } = byHand()
    asked[0]!(snapshot())
    await settle()
    const seen: string[] = []
    const stop = home.on('connected', ({ user }) => seen.push(user))
    const client = { client_id: 'c', user: 'plug' } as ClientView
    frame({ connected: [client] })
    stop()
    frame({ connected: [client] })
    expect(seen).toEqual(['plug'])
  })

  it('puts what a device is for before what it says about itself', async () => {
    const { home, asked, settle } = byHand()
    const of = (id: string, over: object) => ({ entity: entity({ id, name: id, ...over }), state: state(), command: null })
    asked[0]!(snapshot({
      entities: [of('a rssi', { category: 'diagnostic' }), of('b power', {}), of('c relay', { announced_name: null }), of('d mode', { commands: { set: { topic: 't', payload: '', qos: 0, retain: false } } })],
    }))
    await settle()
    expect(home.entitiesOf('plug').map(({ id }) => id)).toEqual(['c relay', 'd mode', 'b power', 'a rssi'])
  })

  it('keeps that order when names change, and follows an entity to another device', async () => {
    const { home, asked, frame, settle } = byHand()
    const of = (id: string, over: object = {}) => entity({ id, name: id, ...over })
    asked[0]!(snapshot({ entities: [of('a'), of('b')].map((entity) => ({ entity, state: state(), command: null })) }))
    await settle()
    frame({ entities: [of('a', { name: 'z' })] })
    expect(home.entitiesOf('plug').map(({ id }) => id)).toEqual(['b', 'a'])
    frame({ entities: [of('a', { device: 'lamp' })] })
    expect(home.entitiesOf('plug').map(({ id }) => id)).toEqual(['b'])
    expect(home.entitiesOf('lamp').map(({ id }) => id)).toEqual(['a'])
  })
})
