import type { ClientsFrame, ClientView, Transport } from '../../../lib/api.gen'

export type Column = 'client_id' | 'user' | 'address' | 'via' | 'since_ms' | 'rate_in' | 'rate_out' | 'queued' | 'in_flight' | 'dropped' | 'denied'
/** A column to sort by, and whether the largest comes first. */
export interface Order { by: Column; down: boolean }

export type Kind = 'connected' | 'asleep' | 'trouble' | 'learning'
/** Which clients are shown, and in which order. */
export interface View { order: Order; search: string; kind: Kind | null }

/** The columns, in the order of the table. Numbers begin with the largest. */
export const COLUMNS: readonly { by: Column; name: string; help: string; number?: boolean; moves?: boolean }[] = [
  { by: 'client_id', name: 'Client', help: 'The id the client gave itself' },
  { by: 'user', name: 'User', help: 'The credential it logged in with' },
  { by: 'address', name: 'Address', help: 'Where it comes from' },
  { by: 'via', name: 'Via', help: 'The way it came in, and its version of MQTT' },
  { by: 'since_ms', name: 'Since', help: 'Connected, or asleep, for so long' },
  { by: 'rate_in', name: 'In/s', help: 'Messages per second it sends', number: true, moves: true },
  { by: 'rate_out', name: 'Out/s', help: 'Messages per second it is sent', number: true, moves: true },
  { by: 'queued', name: 'Queue', help: 'Messages waiting for it', number: true, moves: true },
  { by: 'in_flight', name: 'In flight', help: 'Messages sent to it and not acknowledged yet', number: true, moves: true },
  { by: 'dropped', name: 'Dropped', help: 'Messages it missed at a limit', number: true, moves: true },
  { by: 'denied', name: 'Refused', help: 'Publishes, subscriptions and deliveries it was refused since it connected', number: true, moves: true },
]

export const TRANSPORTS: Record<Transport, string> = { tcp: 'TCP', tls: 'TLS', ws: 'WebSocket', wss: 'Secure WebSocket' }
/** As short as a column needs it. */
const VIA: Record<Transport, string> = { tcp: 'TCP', tls: 'TLS', ws: 'WS', wss: 'WSS' }
export const via = ({ transport }: ClientView): string => (transport === null ? '' : VIA[transport])

const KINDS: Record<Kind, (client: ClientView) => boolean> = {
  connected: ({ connected }) => connected,
  asleep: ({ connected }) => !connected,
  trouble: ({ in_trouble }) => in_trouble,
  learning: ({ learning }) => learning,
}

const text = new Intl.Collator(undefined, { numeric: true }).compare
const valueOf = (client: ClientView, by: Column): string | number => (by === 'via' ? `${via(client)} ${client.version}` : client[by])

function compare({ by, down }: Order): (a: ClientView, b: ClientView) => number {
  const turn = down ? -1 : 1
  return (a, b) => {
    const [x, y] = [valueOf(a, by), valueOf(b, by)]
    const order = typeof x === 'number' && typeof y === 'number' ? x - y : text(String(x), String(y))
    return order * turn || text(a.client_id, b.client_id)
  }
}

/** Whether the text is in the client's id, user or address. */
export function found({ client_id, user, address }: ClientView, search: string): boolean {
  const part = search.trim().toLowerCase()
  return part === '' || [client_id, user, address].some((one) => one.toLowerCase().includes(part))
}

/** Ids of the clients that fit, in order. */
export function arranged(clients: Iterable<ClientView>, { order, search, kind }: View): string[] {
  return [...clients]
    .filter((client) => (kind === null || KINDS[kind](client)) && found(client, search))
    .sort(compare(order))
    .map(({ client_id }) => client_id)
}

/** The list between two sortings: nobody changes places, who is gone leaves, who is new and fits comes last. */
export function kept(ids: readonly string[], clients: ReadonlyMap<string, ClientView>, view: View): string[] {
  const before = new Set(ids)
  const fresh = [...clients.values()].filter(({ client_id }) => !before.has(client_id))
  return [...ids.filter((id) => clients.has(id)), ...arranged(fresh, view)]
}

/** What a column is sorted by first: names from A, numbers from the largest; then the other way round. */
export function turned({ by, down }: Order, next: Column): Order {
  return { by: next, down: by === next ? !down : (COLUMNS.find((column) => column.by === next)?.number ?? false) }
}

/** Puts several frames into one, so that a page that was busy or hidden catches up in one step. */
export function merged(frames: readonly ClientsFrame[]): ClientsFrame {
  const changed = new Map<string, ClientView>()
  const gone = new Set<string>()
  for (const frame of frames) {
    for (const id of frame.gone) { changed.delete(id); gone.add(id) }
    for (const client of frame.changed) { changed.set(client.client_id, client); gone.delete(client.client_id) }
  }
  return { changed: [...changed.values()], gone: [...gone] }
}

/** Takes a frame into the map; tells whether anybody came or went. */
export function take(clients: Map<string, ClientView>, { changed, gone }: ClientsFrame): boolean {
  const before = clients.size
  let left = false
  for (const id of gone) left = clients.delete(id) || left
  for (const client of changed) clients.set(client.client_id, client)
  return left || clients.size !== before
}

export type Counts = Record<Kind, number> & { all: number }
export function counts(clients: Iterable<ClientView>): Counts {
  const out: Counts = { all: 0, connected: 0, asleep: 0, trouble: 0, learning: 0 }
  for (const client of clients) {
    out.all += 1
    for (const kind of Object.keys(KINDS) as Kind[]) if (KINDS[kind](client)) out[kind] += 1
  }
  return out
}
