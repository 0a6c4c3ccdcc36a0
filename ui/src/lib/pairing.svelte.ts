import { SvelteSet } from 'svelte/reactivity'
import type { FirmwareView, PairingProgress, PairingView } from './api.gen'
import { hub } from './hub'
import { live } from './live.svelte'
import { type Draft, gathered, isUnderWay, newOnes, register, type Waiting } from './pairing'
import type { Transport } from './transport'

/** A hub that was started anew counts from one again, so the number alone does not tell. */
const keyOf = ({ id, begun_ms }: PairingProgress): string => `${id} ${begun_ms}`

/** Pairing as the hub sees it, and what this page remembers of it. */
export class Pairing {
  view = $state.raw<PairingView | null>(null)
  firmwares = $state.raw<FirmwareView[]>([])
  #transport: Transport
  /** What was typed for a pairing, for the next try. In memory only: passwords are among it. */
  #drafts = new Map<string, Draft>()
  #dismissed = new SvelteSet<string>()
  /** Client ids of those that were seen at the door. */
  #knocks = new SvelteSet<string>()

  constructor(transport: Transport) { this.#transport = transport }

  /** Follows until the returned function is called. */
  start(): () => void {
    return this.#transport.subscribe('watch_pairing', {}, {
      open: () => void this.askFirmwares(),
      item: (view) => this.receive(view),
    })
  }

  receive(view: PairingView): void {
    for (const { way, client_id } of view.candidates) if (way === 'refused' && client_id !== null) this.#knocks.add(client_id)
    this.view = view
  }

  /** Profiles may have changed since. */
  async askFirmwares(): Promise<void> {
    try {
      this.firmwares = (await this.#transport.call('list_firmwares', {})).firmwares
    } catch {
      // Asked again when the connection is back; until then ids stand for names.
    }
  }

  /** Everybody who was seen, a board once. */
  readonly all = $derived<Waiting[]>(gathered(this.view?.candidates ?? []))
  /** What boards are told from that are here already. */
  readonly here = $derived(register(live.devices.values()))
  /** Those that wait for somebody to add them. */
  readonly waiting = $derived(newOnes(this.all, this.view?.pairings ?? [], this.here))
  /** Under way and lately ended, the newest first; what was put away is left out. */
  readonly shown = $derived<PairingProgress[]>((this.view?.pairings ?? []).filter((one) => !this.#dismissed.has(keyOf(one))).toReversed())

  /** The board with this number, by its finding or by its knock. */
  board(id: number): Waiting | null {
    return this.all.find(({ seen, door }) => seen.id === id || door?.id === id) ?? null
  }

  progress(id: number): PairingProgress | null {
    return this.view?.pairings.find((one) => one.id === id) ?? null
  }

  /** Somebody who was turned away on purpose: it was told here already. */
  hasKnocked = (clientId: string | null): boolean => clientId !== null && this.#knocks.has(clientId)

  draft = (one: PairingProgress): Draft | null => this.#drafts.get(keyOf(one)) ?? null
  remember(one: PairingProgress, draft: Draft): void { this.#drafts.set(keyOf(one), draft) }

  /** It was looked at, and needs no line any more. */
  dismiss(one: PairingProgress): void {
    this.#dismissed.add(keyOf(one))
    this.#drafts.delete(keyOf(one))
    // The hub forgets it too, so that no reload brings it back. What it does not know any more is away already.
    if (!isUnderWay(one)) void Promise.resolve(this.#transport.call('put_away_pairing', { id: one.id })).catch(() => {})
  }
}

/** Pairing on this page. */
export const pairing = new Pairing(hub)
