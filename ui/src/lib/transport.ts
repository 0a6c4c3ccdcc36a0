import type { Calls, ErrorCode, Streams } from './api.gen'

type Params<M extends keyof Calls> = Calls[M][0]
type Result<M extends keyof Calls> = Calls[M][1]
type StreamParams<S extends keyof Streams> = Streams[S][0]
type Item<S extends keyof Streams> = Streams[S][1]

/** Why a call failed, in words for a person and a code for a program. */
export class ApiError extends Error {
  constructor(readonly code: ErrorCode | 'offline', message: string) {
    super(message)
    this.name = 'ApiError'
  }

  static from(reason: unknown): ApiError {
    if (reason instanceof ApiError) return reason
    const { code, message } = (reason ?? {}) as { code?: ErrorCode; message?: string }
    return new ApiError(code ?? 'internal', message ?? String(reason))
  }
}

/** `signed_out`: the hub is there and wants the owner's token. `failed`: the hub of this window could not start. */
export type Connection = 'connecting' | 'open' | 'reconnecting' | 'signed_out' | 'failed'

export interface Sink<T> {
  /** One item of the stream. */
  item(item: T): void
  /** The stream starts, or starts again after the connection was lost: what came before may have gaps. */
  open?(): void
  /** The hub ended the stream. */
  end?(error: ApiError | null): void
}

export interface Transport {
  call<M extends keyof Calls>(method: M, params: Params<M>): Promise<Result<M>>
  /** Subscribes and keeps subscribed across lost connections; the returned function ends it. */
  subscribe<S extends keyof Streams>(method: S, params: StreamParams<S>, sink: Sink<Item<S>>): () => void
  /** Tells the state of the connection now and at every change. */
  watch(listener: (connection: Connection) => void): () => void
  /** Gives the owner's token; rejects with the hub's words when it is wrong. */
  signIn(token: string): Promise<void>
  /** Why the hub of this window could not start, and what to do; only when it `failed`. */
  readonly failure: string | null
  /** Tries again to start the hub of this window. */
  startAgain(): Promise<void>
}

/** Calls that change nothing: what was lost on the way may be asked again. */
const READS = /^(get|list|readings|last|check|broker)_|^(info|home|pairing|serial_ports|dashboard|topic_history|script_functions|learned|doctor)$/
const isRead = (method: keyof Calls): boolean => READS.test(method)

/** Waits between attempts to reach the hub again. */
export const BACKOFF_FIRST_MS = 250
export const BACKOFF_MAX_MS = 8_000
/** How long a call waits for a lost connection to come back before it fails. */
export const CALL_PATIENCE_MS = 10_000

export const inWindow = (): boolean => '__TAURI_INTERNALS__' in window

class Listeners {
  #now: Connection
  #all = new Set<(connection: Connection) => void>()
  constructor(first: Connection) { this.#now = first }
  get now(): Connection { return this.#now }
  set(next: Connection): void {
    if (next === this.#now) return
    this.#now = next
    for (const listener of this.#all) listener(next)
  }
  add(listener: (connection: Connection) => void): () => void {
    this.#all.add(listener)
    listener(this.#now)
    return () => this.#all.delete(listener)
  }
}

/** The door inside the desktop window. */
export function tauriTransport(): Transport {
  const core = import('@tauri-apps/api/core')
  const listeners = new Listeners('connecting')
  let lastId = 0
  let failure: string | null = null
  // The window is there before the hub: the first call waits until it has started, or tells why it could not.
  core.then(({ invoke }) => invoke('rpc', { method: 'info', params: {} })).then(
    () => listeners.set('open'),
    (reason) => {
      failure = ApiError.from(reason).message
      listeners.set('failed')
    },
  )
  return {
    async call(method, params) {
      const { invoke } = await core
      try {
        return await invoke('rpc', { method, params })
      } catch (reason) {
        throw ApiError.from(reason)
      }
    },
    subscribe(method, params, sink) {
      const id = ++lastId
      let ended = false
      void core.then(async ({ invoke, Channel }) => {
        if (ended) return
        const channel = new Channel<{ item?: never; end?: true; err?: unknown }>()
        channel.onmessage = (message) => {
          if (ended) return
          if ('item' in message) sink.item(message.item as never)
          else sink.end?.(message.err ? ApiError.from(message.err) : null)
        }
        try {
          await invoke('subscribe', { id, method, params, channel })
          if (!ended) sink.open?.()
        } catch (reason) {
          sink.end?.(ApiError.from(reason))
        }
      })
      return () => {
        ended = true
        void core.then(({ invoke }) => invoke('unsubscribe', { id }))
      }
    },
    watch: (listener) => listeners.add(listener),
    signIn: async () => {},
    get failure() { return failure },
    async startAgain() {
      const { invoke } = await core
      await invoke('start_again')
      location.reload()
    },
  }
}

interface Waiting {
  method: keyof Calls
  params: unknown
  resolve(value: never): void
  reject(reason: ApiError): void
}
interface Subscription {
  method: string
  params: unknown
  sink: Sink<never>
}
interface Incoming {
  id: number
  ok?: never
  err?: unknown
  item?: never
  end?: true
}

/** The door of a browser: one WebSocket for everything. `base` is the hub's address, such as `http://127.0.0.1:8460`. */
export function socketTransport(base: string = location.origin): Transport {
  const listeners = new Listeners('connecting')
  const waiting = new Map<number, Waiting>()
  const subscriptions = new Map<number, Subscription>()
  let socket: WebSocket | null = null
  let backoffMs = BACKOFF_FIRST_MS
  let retry: ReturnType<typeof setTimeout> | undefined
  let lastId = 0

  const send = (frame: object): void => socket?.send(JSON.stringify(frame))
  function ask(id: number, call: Waiting): void {
    waiting.set(id, call)
    send({ op: 'call', id, method: call.method, params: call.params })
  }

  /** Opens the socket once the hub accepts us; a socket alone cannot tell "signed out" from "not there". */
  async function connect(): Promise<void> {
    clearTimeout(retry)
    try {
      const answer = await fetch(`${base}/api/session`)
      if (answer.status === 401) return listeners.set('signed_out')
      if (!answer.ok) throw new Error(answer.statusText)
    } catch {
      return later()
    }
    const next = new WebSocket(`${base.replace(/^http/, 'ws')}/api/events`, ['hearth'])
    next.onopen = () => {
      socket = next
      backoffMs = BACKOFF_FIRST_MS
      listeners.set('open')
      for (const [id, { method, params, sink }] of subscriptions) {
        send({ op: 'sub', id, method, params })
        sink.open?.()
      }
    }
    next.onmessage = (event: MessageEvent<string>) => receive(JSON.parse(event.data) as Incoming)
    next.onclose = () => {
      socket = null
      const lost = [...waiting]
      waiting.clear()
      later()
      for (const [id, call] of lost) {
        if (isRead(call.method)) void opened().then(() => ask(id, call), call.reject)
        else call.reject(new ApiError('offline', 'The connection to Hearth was lost before it answered. Look whether it took effect, then try again.'))
      }
    }
  }

  function later(): void {
    listeners.set(listeners.now === 'connecting' ? 'connecting' : 'reconnecting')
    clearTimeout(retry)
    retry = setTimeout(() => void connect(), backoffMs)
    backoffMs = Math.min(backoffMs * 2, BACKOFF_MAX_MS)
  }

  function receive(message: Incoming): void {
    const call = waiting.get(message.id)
    if (call) {
      waiting.delete(message.id)
      if ('err' in message) call.reject(ApiError.from(message.err))
      else call.resolve(message.ok as never)
      return
    }
    const subscription = subscriptions.get(message.id)
    if (!subscription) return
    if ('item' in message) subscription.sink.item(message.item as never)
    else if (message.end || 'err' in message) {
      subscriptions.delete(message.id)
      subscription.sink.end?.(message.err ? ApiError.from(message.err) : null)
    }
  }

  /** Resolves when the socket is open, rejects when that takes too long or needs a sign-in. */
  function opened(): Promise<void> {
    if (socket) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const offline = () => new ApiError('offline', 'Hearth does not answer. Check that it is running; this page connects again by itself.')
      const timer = setTimeout(() => { stop(); reject(offline()) }, CALL_PATIENCE_MS)
      const stop = listeners.add((connection) => {
        if (connection !== 'open') return
        clearTimeout(timer)
        queueMicrotask(() => stop())
        resolve()
      })
    })
  }

  window.addEventListener('online', () => { if (!socket && listeners.now !== 'signed_out') void connect() })
  void connect()

  return {
    async call(method, params) {
      await opened()
      return new Promise((resolve, reject) => {
        ask(++lastId, { method, params, resolve, reject })
      })
    },
    subscribe(method, params, sink) {
      const id = ++lastId
      subscriptions.set(id, { method, params, sink: sink as Sink<never> })
      if (socket) {
        send({ op: 'sub', id, method, params })
        sink.open?.()
      }
      return () => {
        if (subscriptions.delete(id)) send({ op: 'unsub', id })
      }
    },
    watch: (listener) => listeners.add(listener),
    async signIn(token) {
      const answer = await fetch(`${base}/api/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token }),
      }).catch(() => null)
      if (!answer) throw new ApiError('offline', 'Hearth does not answer. Check that it is running, then try again.')
      if (!answer.ok) {
        const said = (await answer.json().catch(() => null)) as { message?: string } | null
        throw new ApiError('denied', said?.message ?? 'This token is not right. Copy it again from the file owner-token.')
      }
      listeners.set('connecting')
      await connect()
    },
    failure: null,
    startAgain: async () => {},
  }
}
