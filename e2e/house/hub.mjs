// A hub in a process of its own, and the command line to it.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freshFolder } from './folder.mjs'
import { run, start, until } from './process.mjs'

export const BUILT = join(process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL('../../target', import.meta.url)), 'debug')
export const HEARTH = join(BUILT, 'hearth')
export const HEARTH_DESKTOP = join(BUILT, 'hearth-desktop')

/** Any free port, and nothing beyond this machine. */
export const ON_FREE_PORTS = ['--mqtt', '127.0.0.1:0', '--http', '127.0.0.1:0', '--local-only']

/** Ways in to the broker beside plain MQTT: TLS, WebSocket, and both. */
export const EVERY_WAY = ['mqtts', 'ws', 'wss'].flatMap((way) => [`--${way}`, '127.0.0.1:0'])

/** Runs `hearth serve`, or another command that listens, until it is ready. `ports` has the port of each way in. */
export async function startHub(command = 'serve', { ways = [] } = {}) {
  const folder = freshFolder()
  const hub = await start(HEARTH, [command, '--data-dir', folder, ...ON_FREE_PORTS, ...ways], { ready: /^ready (mqtt=.*)$/ })
  const { http, ...addresses } = Object.fromEntries(hub.ready[1].split(' ').map((part) => part.split('=')))
  const ports = Object.fromEntries(Object.entries(addresses).map(([way, address]) => [way, Number(address.split(':').pop())]))
  return { folder, port: ports.mqtt, ports, address: `http://${http}`, stop: hub.stop, said: hub.said }
}

/** The address of a hub that another program runs on this folder, such as the desktop app. */
export async function hubOn(folder) {
  const text = await until('the hub tells where it is', () => readFile(join(folder, 'hub.json'), 'utf8').catch(() => null))
  const { pid, mqtt, http } = JSON.parse(text)
  return { folder, pid, port: Number(mqtt[0].split(':').pop()), address: `http://${http}` }
}

/** Runs `hearth` on the hub's folder and gives its answer. */
export async function hearth(hub, ...args) {
  const { said } = await run(HEARTH, [...args, '--json', '--data-dir', hub.folder])
  return JSON.parse(said)
}

/** Makes a credential; the result is what an MQTT client needs to log in. */
export async function addCredential(hub, user, { mayWrite = [], mayRead = [] }) {
  const permissions = [...mayWrite.flatMap((filter) => ['--may-write', filter]), ...mayRead.flatMap((filter) => ['--may-read', filter])]
  const { secret } = await hearth(hub, 'credential', 'add', user, ...permissions)
  return { port: hub.port, user, secret }
}
