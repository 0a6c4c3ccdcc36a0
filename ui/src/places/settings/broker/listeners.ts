import type { Transport } from '../../../lib/api.gen'

/** Where each way in listens unless told otherwise. */
export const DEFAULT_ADDRESS: Record<Transport, string> = { tcp: '0.0.0.0:1883', tls: '0.0.0.0:8883', ws: '0.0.0.0:8083', wss: '0.0.0.0:8084' }

const PORT_MAX = 65_535

/** What is wrong with a typed address, in words; the hub tells whether it can be opened. */
export function addressFault(text: string): string | null {
  const typed = text.trim()
  const parts = /^(?:\[([0-9a-fA-F:.%]+)\]|(\d{1,3}(?:\.\d{1,3}){3})):(\d+)$/.exec(typed)
  if (!parts) return /:\d+$/.test(typed) ? 'Type an address such as 0.0.0.0 before the port, or [::] for IPv6.' : 'Type an address and a port, such as 0.0.0.0:1883.'
  if (parts[2]?.split('.').some((part) => Number(part) > 255)) return 'Each number of the address is at most 255.'
  const port = Number(parts[3])
  if (port < 1 || port > PORT_MAX) return `A port is a number from 1 to ${PORT_MAX.toLocaleString('en')}.`
  return null
}

/** It is open to this computer only. */
export const isLoopback = (listening: string): boolean => /^(127\.|\[?::1\]?(:|$))/.test(listening)
