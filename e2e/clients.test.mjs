// Clients that others wrote reach the hub by every way in: mosquitto's tools, paho for Python, mqtt.js.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import mqtt from 'mqtt'
import { addCredential, EVERY_WAY, startHub } from './house/hub.mjs'
import { run, start } from './house/process.mjs'

const EXCHANGE = fileURLToPath(new URL('house/exchange.py', import.meta.url))
const PATIENCE_MS = 20_000

let hub, login, authority

before(async () => {
  hub = await startHub('serve', { ways: EVERY_WAY })
  login = await addCredential(hub, 'walker', { mayWrite: ['walk/#'], mayRead: ['walk/#'] })
  authority = join(hub.folder, 'tls', 'authority.pem')
})
after(() => hub?.stop())

for (const version of ['mqttv31', 'mqttv311', 'mqttv5'])
  for (const way of ['mqtt', 'mqtts'])
    test(`mosquitto_pub and mosquitto_sub, ${version} by ${way}`, async () => {
      const trust = way === 'mqtts' ? ['--cafile', authority] : []
      const common = ['-h', '127.0.0.1', '-p', String(hub.ports[way]), '-u', login.user, '-P', login.secret, '-V', version, ...trust]
      for (const qos of ['0', '1', '2']) {
        const topic = `walk/mosquitto/${way}/${version}/${qos}`
        await run('mosquitto_pub', [...common, '-q', qos, '-t', topic, '-m', 'kept', '-r'])
        const reader = await start('stdbuf', ['-oL', 'mosquitto_sub', ...common, '-q', qos, '-t', topic, '-C', '2', '-W', '20'])
        await reader.line(/^kept$/)
        await run('mosquitto_pub', [...common, '-q', qos, '-t', topic, '-m', 'live'])
        await reader.line(/^live$/)
        assert.equal((await reader.ended).code, 0)
      }
    })

test('a client that does not believe the authority stays outside', async () => {
  const lost = ['-h', '127.0.0.1', '-p', String(hub.ports.mqtts), '-u', login.user, '-P', login.secret, '--capath', '/etc/ssl/certs']
  const { code, said } = await run('mosquitto_pub', [...lost, '-t', 'walk/x', '-m', 'x'], { mayFail: true })
  assert.notEqual(code, 0, said)
})

for (const version of ['3.1', '3.1.1', '5'])
  for (const [way, transport] of [['mqtt', 'tcp'], ['mqtts', 'tcp'], ['ws', 'websockets'], ['wss', 'websockets']])
    test(`paho for Python, ${version} by ${way}`, async () => {
      const trust = way.endsWith('s') && way !== 'ws' ? authority : '-'
      const { said } = await run('/usr/bin/python3', [EXCHANGE, String(hub.ports[way]), transport, version, trust, login.user, login.secret])
      assert.match(said, /^done$/m)
    })

for (const protocolVersion of [4, 5])
  for (const way of ['mqtt', 'mqtts', 'ws', 'wss'])
    test(`mqtt.js, version ${protocolVersion} by ${way}`, async () => {
      const path = way.startsWith('ws') ? '/mqtt' : ''
      const client = await mqtt.connectAsync(`${way}://127.0.0.1:${hub.ports[way]}${path}`, {
        username: login.user,
        password: login.secret,
        protocolVersion,
        ca: await readFile(authority),
        keepalive: 0,
        reconnectPeriod: 0,
        ...(protocolVersion === 5 && { properties: { topicAliasMaximum: 10 } }),
      })
      const topic = `walk/js/${way}/${protocolVersion}`
      await client.subscribeAsync(`${topic}/#`, { qos: 2 })
      // Each topic twice: the second time it may come as an alias.
      const sent = [0, 1, 2].flatMap((qos) => [5, 100_000, 5].map((size) => ({ topic: `${topic}/${qos}`, payload: 'x'.repeat(size), qos })))
      const got = arrive(client, sent.length)
      for (const { topic, payload, qos } of sent) await client.publishAsync(topic, payload, { qos })
      assert.deepEqual(await got, sent)
      await client.endAsync()
    })

/** The next messages, in their order. */
function arrive(client, count) {
  return new Promise((resolve, reject) => {
    const messages = []
    const timer = setTimeout(() => reject(new Error(`${messages.length} of ${count} messages came`)), PATIENCE_MS)
    client.on('error', reject)
    client.on('message', (topic, payload, { qos }) => {
      messages.push({ topic, payload: payload.toString(), qos })
      if (messages.length === count) {
        clearTimeout(timer)
        resolve(messages)
      }
    })
  })
}
