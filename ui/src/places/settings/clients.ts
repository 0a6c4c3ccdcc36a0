import type { ClientView } from '../../lib/api.gen'

/** A column to sort by, and whether the largest comes first. */
export interface Order { by: 'client_id' | 'user' | 'since_ms' | 'messages_in' | 'messages_out' | 'queued' | 'dropped'; down: boolean }

const text = new Intl.Collator(undefined, { numeric: true }).compare

/** Clients in the order of a column; equal ones by client id. */
export function sorted(clients: readonly ClientView[], { by, down }: Order): ClientView[] {
  const turn = down ? -1 : 1
  return [...clients].sort((a, b) => {
    const [x, y] = [a[by], b[by]]
    const order = typeof x === 'number' && typeof y === 'number' ? x - y : text(String(x), String(y))
    return order * turn || text(a.client_id, b.client_id)
  })
}

/** Clients that contain the text in id, user, address or a subscription. */
export function matching(clients: readonly ClientView[], search: string): ClientView[] {
  const part = search.trim().toLowerCase()
  if (part === '') return [...clients]
  return clients.filter((client) => [client.client_id, client.user, client.address, ...client.subscriptions].some((one) => one.toLowerCase().includes(part)))
}

/** A client logged in: its row, new or in place of its sleeping session. */
export function joined(clients: readonly ClientView[], client: ClientView): ClientView[] {
  return [...clients.filter((one) => one.client_id !== client.client_id), client]
}

/** A client left. Its session may sleep on; the next list tells. */
export function left(clients: readonly ClientView[], clientId: string): ClientView[] {
  return clients.map((one) => (one.client_id === clientId ? { ...one, connected: false } : one))
}
