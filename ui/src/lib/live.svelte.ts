import { SvelteMap } from 'svelte/reactivity'
import type { ActivityLine, Area, ClientView, CommandState, Device, Entity, Frame, Info, RunRecord, ScriptLogLine, State } from './api.gen'
import { clock } from './clock.svelte'
import { hub } from './hub'
import type { Connection, Transport } from './transport'

/** An entity on screen. Each part changes alone, so a new reading paints one card and nothing else. */
export class LiveEntity {
  entity = $state.raw() as Entity
  state = $state.raw() as State
  /** Its newest command, as far as it is. */
  command = $state.raw<CommandState | null>(null)
  /** Rises with every change of the value: what glows once looks at it. */
  changes = $state(0)

  constructor(entity: Entity, state: State, command: CommandState | null = null) {
    this.entity = entity
    this.state = state
    this.command = command
  }

  get id(): string { return this.entity.id }
}

const UNKNOWN: State = { value: null, availability: 'available', since_ms: 0, reported_ms: 0, topic: null, message_id: null, cause: null }

/** A value that nobody reported is assumed, such as a light that is taken for off until it is told otherwise: here it is unknown. */
const reported = (state: State): State => (state.reported_ms === 0 && state.value !== null ? { ...state, value: null } : state)

const NONE: LiveEntity[] = []

/** What others listen for; the home itself needs no listener. */
export interface FrameEvents {
  connected: (client: ClientView) => void
  disconnected: (clientId: string) => void
  run: (run: RunRecord) => void
  scriptLog: (line: ScriptLogLine) => void
  activity: (line: ActivityLine) => void
  automationsChanged: () => void
  /** The connection was lost, or too much happened: ask again for what you show. */
  resync: () => void
}

/** The home as the hub sees it: one snapshot, then frames. */
export class Live {
  devices = new SvelteMap<string, Device>()
  entities = new SvelteMap<string, LiveEntity>()
  areas = $state.raw<Area[]>([])
  info = $state.raw<Info | null>(null)
  connection = $state<Connection>('connecting')
  /** The first snapshot has arrived. */
  ready = $state(false)

  #transport: Transport
  /** Kept, not derived: with ten thousand entities a change of one must not be a walk over all. */
  #groups = new SvelteMap<string, LiveEntity[]>()
  #listeners = new Map<keyof FrameEvents, Set<(value: never) => void>>()
  /** Frames that came while a snapshot was on its way; it may be older than they are. */
  #held: Frame[] | null = null
  #asked = 0

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** Follows the home until the returned function is called. */
  start(): () => void {
    const unwatch = this.#transport.watch((connection) => { this.connection = connection })
    const unsubscribe = this.#transport.subscribe('events', {}, {
      open: () => void this.resync(),
      item: (frame) => this.receive(frame),
    })
    return () => { unsubscribe(); unwatch() }
  }

  /** Entities of a device, the most telling first. */
  entitiesOf(device: string): LiveEntity[] {
    return this.#groups.get(device) ?? NONE
  }

  /** Devices of an area in order of name; `null` are those without one. */
  devicesIn(area: string | null): Device[] {
    return [...this.devices.values()].filter((device) => device.area === area).sort((a, b) => collator.compare(a.name, b.name))
  }

  areaName(id: string | null): string | null {
    return id === null ? null : (this.areas.find((area) => area.id === id)?.name ?? null)
  }

  /** Calls `listener` for each such event; the returned function ends it. */
  on<K extends keyof FrameEvents>(kind: K, listener: FrameEvents[K]): () => void {
    const all = this.#listeners.get(kind) ?? new Set()
    this.#listeners.set(kind, all)
    all.add(listener as (value: never) => void)
    return () => all.delete(listener as (value: never) => void)
  }

  /** Asks for everything again. */
  async resync(): Promise<void> {
    const asked = ++this.#asked
    this.#held ??= []
    try {
      const [home, info] = await Promise.all([this.#transport.call('home', {}), this.#transport.call('info', {})])
      if (asked !== this.#asked) return
      clock.set(info.now_ms)
      this.info = info
      this.areas = home.areas
      replace(this.devices, home.devices.map((device) => [device.id, device]))
      for (const { entity, state, command } of home.entities) {
        this.#put(entity, state)
        const live = this.entities.get(entity.id)
        if (live) live.command = command
      }
      const present = new Set(home.entities.map(({ entity }) => entity.id))
      for (const id of this.entities.keys()) if (!present.has(id)) this.#drop(id)
      this.ready = true
      this.#emit('resync', undefined)
    } catch {
      // The transport resubscribes when the hub is back, and that asks again.
    } finally {
      if (asked === this.#asked) {
        const held = this.#held
        this.#held = null
        for (const frame of held ?? []) this.#apply(frame)
      }
    }
  }

  async refreshInfo(): Promise<void> {
    const info = await this.#transport.call('info', {})
    clock.set(info.now_ms)
    this.info = info
  }

  receive(frame: Frame): void {
    if (this.#held) this.#held.push(frame)
    else this.#apply(frame)
  }

  #apply(frame: Frame): void {
    for (const device of frame.devices) this.devices.set(device.id, device)
    for (const entity of frame.entities) this.#put(entity, null)
    for (const { entity, state: told } of frame.states) {
      const live = this.entities.get(entity)
      if (!live) continue
      const state = reported(told)
      if (live.state.value !== state.value) live.changes += 1
      live.state = state
    }
    for (const { entity, command } of frame.commands) {
      const live = this.entities.get(entity)
      if (live) live.command = command
    }
    for (const id of frame.entities_removed) this.#drop(id)
    for (const id of frame.devices_removed) this.devices.delete(id)
    for (const client of frame.connected) this.#emit('connected', client)
    for (const client of frame.disconnected) this.#emit('disconnected', client)
    for (const run of frame.runs) this.#emit('run', run)
    for (const line of frame.script_log) this.#emit('scriptLog', line)
    for (const line of frame.activity) this.#emit('activity', line)
    if (frame.automations_changed) this.#emit('automationsChanged', undefined)
    if (frame.areas_changed || frame.resync) void this.resync()
  }

  #put(entity: Entity, state: State | null): void {
    const live = this.entities.get(entity.id)
    if (!live) {
      const made = new LiveEntity(entity, state ? reported(state) : UNKNOWN)
      this.entities.set(entity.id, made)
      this.#group(entity.device, made)
      return
    }
    const before = live.entity
    live.entity = entity
    if (state) live.state = reported(state)
    if (before.device !== entity.device) this.#ungroup(before.device, live)
    this.#group(entity.device, live)
  }

  #drop(id: string): void {
    const live = this.entities.get(id)
    if (!live) return
    this.entities.delete(id)
    this.#ungroup(live.entity.device, live)
  }

  /** Puts it where it belongs among its device's; nobody is told when it stands there already. */
  #group(device: string, live: LiveEntity): void {
    const group = this.#groups.get(device) ?? NONE
    const sorted = [...group.filter((one) => one !== live), live].sort(mainFirst)
    if (sorted.length !== group.length || sorted.some((one, at) => one !== group[at])) this.#groups.set(device, sorted)
  }

  #ungroup(device: string, live: LiveEntity): void {
    const rest = (this.#groups.get(device) ?? NONE).filter((one) => one !== live)
    if (rest.length > 0) this.#groups.set(device, rest)
    else this.#groups.delete(device)
  }

  #emit<K extends keyof FrameEvents>(kind: K, value: Parameters<FrameEvents[K]>[0]): void {
    for (const listener of this.#listeners.get(kind) ?? []) listener(value as never)
  }
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' })
export const byName = (a: { name: string }, b: { name: string }): number => collator.compare(a.name, b.name)

/** What the device is for, then what it can be told, then what it measures, then what concerns itself. */
function rank({ category, announced_name, commands }: Entity): number {
  if (category !== null) return category === 'config' ? 3 : 4
  return announced_name === null ? 0 : Object.keys(commands).length > 0 ? 1 : 2
}

/** Among measurements, what people ask for first. */
const ASKED_FIRST = ['temperature', 'humidity', 'carbon_dioxide', 'power', 'energy']
const asked = ({ device_class }: Entity): number => {
  const at = ASKED_FIRST.indexOf(device_class ?? '')
  return at < 0 ? ASKED_FIRST.length : at
}
const mainFirst = ({ entity: a }: LiveEntity, { entity: b }: LiveEntity): number => rank(a) - rank(b) || asked(a) - asked(b) || byName(a, b)

function replace<V>(map: SvelteMap<string, V>, entries: [string, V][]): void {
  const present = new Set(entries.map(([id]) => id))
  for (const id of map.keys()) if (!present.has(id)) map.delete(id)
  for (const [id, value] of entries) map.set(id, value)
}

/** The home this page shows. */
export const live = new Live(hub)
