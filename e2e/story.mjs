// One evening with Hearth, told once for the browser and once for the window.
//
// Every part is real: the hub is a process on free ports, mosquitto and paho are the boards, and what the
// person sees is read from the page.
import assert from 'node:assert/strict'
import { addCredential, hearth } from './house/hub.mjs'
import { publish, refusedPublish, sensorSends, subscribe } from './house/mqtt.mjs'
import { until } from './house/process.mjs'

const MAC = '2CF432B0A1E0'
const READINGS = 100
const NUMBERS_WAIT_MS = 20_000

/** What a Tasmota board with one relay and one temperature sensor says about itself. */
const ANNOUNCEMENT = {
  ip: '192.168.1.40', dn: 'Boiler', fn: ['Boiler'], hn: 'boiler', mac: MAC, md: 'Sonoff TH', ty: 0, if: 0,
  ofln: 'Offline', onln: 'Online', state: ['OFF', 'ON', 'TOGGLE', 'HOLD'], sw: '14.2.0', t: 'boiler',
  ft: '%prefix%/%topic%/', tp: ['cmnd', 'stat', 'tele'],
  rl: [1, 0, 0, 0, 0, 0, 0, 0], swc: [-1, -1, -1, -1, -1, -1, -1, -1], swn: [null, null, null, null, null, null, null, null],
  btn: [0, 0, 0, 0, 0, 0, 0, 0], so: { 4: 0, 11: 0, 13: 0, 17: 0, 20: 0, 30: 0, 68: 0, 73: 0, 82: 0, 114: 0, 117: 0 },
  lk: 0, lt_st: 0, sho: [0, 0, 0, 0], ver: 1,
}
const measured = (celsius) => ({ Time: '2026-11-23T18:00:00', DS18B20: { Id: '01', Temperature: celsius }, TempUnit: 'C' })

const script = (temperature, relay) => `// Boiler guard
on(above("${temperature}", 60), |e| {
    turn_on("${relay}");
    log(\`Pump on at \${e.value}\`);
});
`

/** `t` is the test, `screen` the page, `hub` where the hub is. */
export async function story(t, { screen, hub }) {
  let board, probe, temperature, relay, commands

  await step(t, 'two credentials are made on the command line', async () => {
    board = await addCredential(hub, 'boiler', {
      mayWrite: ['tasmota/discovery/#', 'tele/boiler/#', 'stat/boiler/#'],
      mayRead: ['cmnd/boiler/#'],
    })
    probe = await addCredential(hub, 'greenhouse', { mayWrite: ['homeassistant/sensor/greenhouse/#', 'greenhouse/#'] })
    assert.notEqual(board.secret, probe.secret)
    assert.ok(board.secret.length >= 16, 'a secret that cannot be guessed')
  })

  await step(t, 'a Tasmota board announces itself and is there, with its relay and its temperature', async () => {
    commands = await subscribe(board, 'cmnd/boiler/#')
    await publish(board, `tasmota/discovery/${MAC}/config`, ANNOUNCEMENT, { retain: true })
    await publish(board, `tasmota/discovery/${MAC}/sensors`, { sn: measured(20.5), ver: 1 }, { retain: true })
    await publish(board, 'tele/boiler/LWT', 'Online', { retain: true })
    await publish(board, 'tele/boiler/STATE', { POWER: 'OFF' })
    const entities = await until('the board is registered', async () => {
      const { devices, entities } = await hearth(hub, 'call', 'home')
      const device = devices.find(({ name }) => name === 'Boiler')
      const own = entities.map(({ entity }) => entity).filter((entity) => entity.device === device?.id)
      return own.some(({ component }) => component === 'switch') && own.some((entity) => entity.device_class === 'temperature') && own
    })
    relay = entities.find(({ component }) => component === 'switch').id
    temperature = entities.find((entity) => entity.device_class === 'temperature').id
    await screen.open('#/devices')
    await screen.press('link', /Boiler/)
    await screen.sees(/Boiler/)
  })

  await step(t, 'its page shows each value as it arrives', async () => {
    for (const celsius of [41.5, 43]) {
      await publish(board, 'tele/boiler/SENSOR', measured(celsius))
      await screen.sees(new RegExp(`\\b${celsius}(\\.0)? ?°C`))
    }
  })

  await step(t, `a sensor written in Python sends ${READINGS} readings at QoS 1; all are kept, the last is shown`, async () => {
    assert.match(await sensorSends(probe, READINGS), new RegExp(`${READINGS + 2} messages acknowledged`))
    const { entities } = await hearth(hub, 'call', 'home')
    const soil = entities.map(({ entity }) => entity).find((entity) => entity.device_class === 'moisture')
    const readings = await until('all readings are stored', async () => {
      const { readings } = await hearth(hub, 'readings', soil.id)
      return readings.length >= READINGS && readings
    }, NUMBERS_WAIT_MS)
    const expected = Array.from({ length: READINGS }, (_, index) => (index + 1) / 2)
    assert.deepEqual(readings.map(({ value }) => value), expected)
    await screen.open('#/devices')
    await screen.press('link', /Greenhouse/)
    await screen.sees(/\b50(\.0)? ?%/)
  })

  await step(t, 'a script is written in the editor and saved', async () => {
    await screen.open('#/automations')
    await screen.press('link', 'Write the first one')
    await screen.paste(script(temperature, relay))
    await screen.sees(/Waits for: .*60/)
    await screen.press('button', 'Save')
    await screen.sees(/Boiler guard.*It has not run yet/)
  })

  await step(t, 'when it gets hot the relay is told to go on', async () => {
    await publish(board, 'tele/boiler/SENSOR', measured(66.5))
    await commands.line(/^cmnd\/boiler\/Power1 ON$/)
    await publish(board, 'stat/boiler/RESULT', { POWER: 'ON' })
  })

  await step(t, 'the list of runs says why', async () => {
    await screen.sees(/rose to 66\.5 ?°C \(above 60/)
    await screen.sees(/Pump on at 66\.5/)
    const { runs } = await hearth(hub, 'automation', 'runs', 'boiler-guard')
    assert.equal(runs.length, 1)
    assert.equal(runs[0].trigger.entity, temperature)
    assert.equal(runs[0].trigger.topic, 'tele/boiler/SENSOR')
    assert.equal(runs[0].error, null)
  })

  await step(t, 'the message on the wire knows the run that caused it', async () => {
    const { messages } = await hearth(hub, 'call', 'topic_history', '{"topic":"cmnd/boiler/Power1"}')
    assert.equal(messages.length, 1)
    assert.equal(messages[0].cause.kind, 'run')
    assert.equal(messages[0].cause.automation, 'boiler-guard')
  })

  await step(t, 'a wrong secret is refused, and Activity says what to do about it', async () => {
    const { refused, said } = await refusedPublish({ ...board, secret: 'guessed' }, 'tele/boiler/STATE', '{"POWER":"OFF"}')
    assert.ok(refused, said)
    assert.match(said, /[Nn]ot authori[sz]ed|bad user name/i)
    await screen.open('#/activity')
    await screen.sees(/password for \W?boiler\W? is wrong\. Check the password/)
  })

  await commands.stop()
}

/** A step that fails ends the story: the next would fail for the same reason. */
export async function step(t, name, tell) {
  let failure
  await t.test(name, async () => {
    try {
      await tell()
    } catch (error) {
      failure = error
      throw error
    }
  })
  if (failure) throw new Error(`The story ends at: ${name}`)
}
