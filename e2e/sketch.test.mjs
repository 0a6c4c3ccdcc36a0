// A sketch of one's own, as PubSubClient would run it: it publishes what it measures, obeys one topic and announces
// nothing. It becomes a device without a word being written.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import mqtt from 'mqtt'
import { addCredential, hearth, startHub } from './house/hub.mjs'
import { until } from './house/process.mjs'
import { browserScreen, openBrowser } from './house/screen.mjs'

let hub, browser, screen, pump

before(async () => {
  hub = await startHub()
  browser = await openBrowser()
  const login = await addCredential(hub, 'pump1', { mayWrite: ['garden/pump1/#'], mayRead: ['garden/pump1/#'] })
  pump = await sketch(login)
})
after(async () => {
  await pump?.client.endAsync()
  await browser?.close()
  await hub?.stop()
})

/** Measures, and switches its relay when it is told to. */
async function sketch({ port, user, secret }) {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
    username: user, password: secret, keepalive: 0, reconnectPeriod: 0,
    will: { topic: 'garden/pump1/status', payload: 'offline', qos: 1, retain: true },
  })
  const state = { temp: 20.5, hum: 40, relay: 'OFF' }
  const say = async () => {
    await client.publishAsync('garden/pump1/moisture', String(512 + state.hum), { qos: 1 })
    await client.publishAsync('garden/pump1/state', JSON.stringify(state), { qos: 1 })
  }
  client.on('message', (_topic, payload) => {
    state.relay = payload.toString()
    void say()
  })
  await client.subscribeAsync('garden/pump1/relay/set', { qos: 1 })
  await client.publishAsync('garden/pump1/status', 'online', { qos: 1, retain: true })
  return { client, state, say }
}

const home = () => hearth(hub, 'call', 'home')
const proposals = async () => (await hearth(hub, 'call', 'list_proposals')).proposals

test('a sketch is proposed with its evidence, accepted with one click, and obeys', async (t) => {
  if (!browser) return t.skip('there is no Chromium or Chrome')
  for (let n = 0; n < 4; n += 1) {
    pump.state.temp += 0.5
    await pump.say()
    // The owner tries the relay, as from the Topics page.
    const wanted = n % 2 === 0 ? 'ON' : 'OFF'
    await hearth(hub, 'call', 'publish', JSON.stringify({ topic: 'garden/pump1/relay/set', payload: wanted }))
    await until('the relay answers', () => pump.state.relay === wanted)
  }
  await until('it is proposed', async () => (await proposals())[0]?.entities.length === 4)

  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, locale: 'en-US', reducedMotion: 'reduce' })
  const page = await context.newPage()
  screen = browserScreen(page)
  const token = (await readFile(join(hub.folder, 'owner-token'), 'utf8')).trim()
  await screen.goto(`${hub.address}/?token=${token}#/devices`)
  await screen.open('#/devices')
  await screen.sees(/1 board could become a device/)
  await screen.sees(/Moisture \(number\), Humidity %, Relay \(switch\), Temperature °C/)
  await screen.press('link', 'Look at Pump 1')
  await screen.sees(/Whether it is there is read from garden\/pump1\/status: online or offline/)
  await page.getByText('Why').nth(2).click()
  await screen.sees(/Told by garden\/pump1\/relay\/set: seen answered 4 times/)
  await screen.press('button', 'Close')
  await screen.press('button', 'Add Pump 1')
  await screen.sees(/Pump 1 was added, with 4 entities/)

  const { devices, entities } = await home()
  assert.deepEqual(devices.map(({ id, credential }) => [id, credential]), [['pump_1', 'pump1']])
  const shown = (id) => entities.find((one) => one.entity.id === id).state.value
  assert.deepEqual(['pump_1.moisture', 'pump_1.temperature', 'pump_1.humidity', 'pump_1.relay'].map(shown), [552, 22.5, 40, false])
  const span = { entity: 'pump_1.temperature', from_ms: 0, to_ms: Number.MAX_SAFE_INTEGER }
  const { readings } = await hearth(hub, 'call', 'readings_range', JSON.stringify(span))
  assert.equal(readings.length, 8, 'what it said before it was a device')

  await hearth(hub, 'call', 'command', JSON.stringify({ entity: 'pump_1.relay', verb: 'turn_on' }))
  await until('the relay is on', () => pump.state.relay === 'ON')
  await until('Hearth knows', async () => (await home()).entities.some((one) => one.entity.id === 'pump_1.relay' && one.state.value === true))
  assert.deepEqual(await proposals(), [])

  // It vanishes, and its will says so.
  pump.client.stream.destroy()
  await until('it is gone', async () => (await home()).entities.every((one) => one.state.availability === 'unavailable'))
  await context.close()
})
