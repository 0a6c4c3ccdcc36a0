// One entity of every kind, announced by mqtt.js; each is operated in a real browser by mouse or keyboard, and
// what reaches the board is checked. What the page shows is what the board answers.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import mqtt from 'mqtt'
import { announceEveryKind, KINDS, MAY, say } from './house/every-kind.mjs'
import { addCredential, hearth, startHub } from './house/hub.mjs'
import { until } from './house/process.mjs'
import { browserScreen, openBrowser } from './house/screen.mjs'
import { step } from './story.mjs'

const json = (text) => {
  try { return JSON.parse(text) } catch { return text }
}

test('every kind of entity is operated in a browser', async (t) => {
  const browser = await openBrowser()
  if (!browser) return t.skip('There is no Chromium or Chrome. Install one, or name it in $CHROMIUM.')
  t.after(() => browser.close())
  const hub = await startHub()
  t.after(() => hub.stop())
  const { port, user, secret } = await addCredential(hub, 'workbench', MAY)
  const board = await mqtt.connectAsync({ host: '127.0.0.1', port, username: user, password: secret, clientId: user, protocolVersion: 5 })
  t.after(() => board.endAsync(true))

  /** What reached the board and was not looked at yet, as `[topic below its own, payload]`. */
  const heard = []
  board.on('message', (topic, payload) => heard.push([topic.replace(/^every\//, ''), json(payload.toString())]))
  await board.subscribeAsync('every/#', { qos: 1, nl: true, rh: 2 })
  const hears = async (topic, payload) => {
    try {
      await until(`${topic} brings ${JSON.stringify(payload)}`, () => heard.some(([on, what]) => on === topic && isDeepStrictEqual(what, payload)), 10_000)
    } catch (error) {
      error.message += `\nIt heard ${JSON.stringify(heard)}`
      throw error
    }
    heard.length = 0
  }

  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, locale: 'en-US', reducedMotion: 'reduce' })
  const screen = browserScreen(page)
  const panel = page.locator('aside')
  const token = (await readFile(join(hub.folder, 'owner-token'), 'utf8')).trim()

  await step(t, 'every kind becomes an entity', async () => {
    await announceEveryKind(board)
    const home = await until('all are there', async () => {
      const { entities } = await hearth(hub, 'call', 'home')
      return entities.length === Object.keys(KINDS).length && entities
    })
    assert.deepEqual(home.map(({ entity }) => entity.component).sort(), Object.keys(KINDS).sort())
    await screen.goto(`${hub.address}/?token=${token}`)
  })

  /** Opens one entity in the panel of the device. */
  const open = async (component) => {
    const { name } = KINDS[component]
    await screen.open(`#/devices/workbench?entity=workbench.${name.toLowerCase()}`)
    await panel.locator('.entity.shown').getByRole('button', { name }).first().waitFor()
  }
  const button = (name) => panel.getByRole('button', { name, exact: true })
  const slider = (name) => panel.getByRole('slider', { name, exact: true })
  const press = async (locator, key) => {
    await locator.focus()
    await locator.press(key)
  }

  const OPERATED = {
    alarm_control_panel: async () => {
      await button('Arm Workbench Alarm for away').click()
      await hears('alarm/set', 'ARM_AWAY None')
      await say(board, 'alarm', 'armed_away')
      await screen.sees(/Armed away/)
      await button('Disarm').click()
      await screen.sees(/Type its code first/)
      for (const key of '1234') await button(key).click()
      await button('Disarm').click()
      await hears('alarm/set', 'DISARM 1234')
    },
    binary_sensor: () => screen.sees(/Window Open/),
    button: async () => {
      await button('Workbench Restart').click()
      await hears('button/set', 'PRESS')
    },
    camera: () => screen.sees(/No picture has come yet/),
    climate: async () => {
      await press(slider('Workbench Heating target'), 'ArrowUp')
      await hears('climate/target/set', 22)
      await screen.sees(/now 20\.3 °C/)
      await button('Cool').click()
      await hears('climate/mode/set', 'cool')
      await button('Away').click()
      await hears('climate/preset/set', 'away')
      await button('High').click()
      await hears('climate/fan/set', 'high')
      await say(board, 'climate/low', '19')
      await say(board, 'climate/high', '24')
      await say(board, 'climate/mode', 'heat_cool')
      await slider('Workbench Heating low target').waitFor()
      await press(slider('Workbench Heating high target'), 'ArrowDown')
      await hears('climate/high/set', 23.5)
    },
    cover: async () => {
      const blind = slider('Workbench Blind opening')
      const { x, y, width, height } = await blind.boundingBox()
      await page.mouse.move(x + width / 2, y + height * 0.4)
      await page.mouse.down()
      for (const part of [0.45, 0.5, 0.6, 0.7, 0.75]) await page.mouse.move(x + width / 2, y + height * part)
      await page.mouse.up()
      const wish = Number(await blind.getAttribute('aria-valuenow'))
      assert.ok(wish > 15 && wish < 35, `dragged to a quarter: ${wish}`)
      await hears('cover/position/set', wish)
      await button('Stop Workbench Blind').click()
      await hears('cover/set', 'STOP')
      await press(slider('Workbench Blind slats'), 'End')
      await hears('cover/tilt/set', 100)
    },
    device_tracker: () => screen.sees(/Keys Away.*52\.52000, 13\.40500 within 12 m/),
    event: () => screen.sees(/Doorbell press.*Last press now|Doorbell press.*Last press \d+ s ago/),
    fan: async () => {
      await panel.getByRole('group', { name: 'Workbench Fan speed' }).getByRole('button', { name: '3' }).click()
      await hears('fan/speed/set', 3)
      await button('Reverse').click()
      await hears('fan/way/set', 'reverse')
      await press(panel.getByRole('switch', { name: 'Workbench Fan swings' }), 'Space')
      await hears('fan/swings/set', 'oscillate_on')
      await button('Sleep').click()
      await hears('fan/preset/set', 'sleep')
      await panel.getByRole('switch', { name: 'Workbench Fan', exact: true }).click()
      await hears('fan/set', 'OFF')
    },
    humidifier: async () => {
      await button('Raise Workbench Humidifier humidity').click()
      await hears('humidifier/target/set', 46)
      await button('Eco').click()
      await hears('humidifier/mode/set', 'eco')
    },
    image: () => screen.sees(/The picture is at http:\/\/192\.168\.1\.9\/poster\.png/),
    lawn_mower: async () => {
      await button('Start').click()
      await hears('mower/set', 'start_mowing')
    },
    light: async () => {
      await press(slider('Workbench Lamp brightness'), 'ArrowRight')
      await hears('light/set', { state: 'ON', brightness: 129 })
      await press(slider('Workbench Lamp colour'), 'ArrowRight')
      await hears('light/set', { state: 'ON', color: { h: 35, s: 80 } })
      await button('Warm to cold').click()
      await press(slider('Workbench Lamp warm to cold'), 'Home')
      await hears('light/set', { state: 'ON', color_temp: 2000 })
      await button('rainbow').click()
      await hears('light/set', { state: 'ON', effect: 'rainbow' })
    },
    lock: async () => {
      await button('Unlock Workbench Door, asks first').click()
      await screen.sees(/Unlocks Workbench Door\. Anybody at the door can come in then\./)
      await button('Cancel').click()
      await button('Unlock Workbench Door, asks first').click()
      assert.deepEqual(heard, [], 'nothing is unlocked before the answer')
      await button('Unlock').click()
      await hears('lock/set', 'UNLOCK')
      await say(board, 'lock', 'UNLOCKED')
      await screen.sees(/Door Unlocked/)
    },
    notify: async () => {
      const field = panel.getByRole('textbox', { name: 'Message to Workbench Display' })
      await field.fill('The laundry is done')
      await field.press('Enter')
      await hears('notify/set', 'The laundry is done')
    },
    number: async () => {
      await press(slider('Workbench Interval value'), 'ArrowRight')
      await hears('number/set', 35)
      const box = panel.getByRole('spinbutton', { name: 'Workbench Interval' })
      await box.fill('50')
      await box.press('Enter')
      await hears('number/set', 50)
    },
    scene: async () => {
      await button('Workbench Evening').click()
      await hears('scene/set', 'GO')
    },
    select: async () => {
      await panel.getByRole('combobox', { name: 'Workbench Program' }).selectOption('wool')
      await hears('select/set', 'wool')
    },
    sensor: () => screen.sees(/Temperature 21\.4 °C/),
    siren: async () => {
      await button('horn').click()
      await press(slider('Workbench Siren volume'), 'End')
      await button('Sound Workbench Siren, asks first').click()
      await button('Sound it').click()
      await hears('siren/set', { state: 'ON', tone: 'horn', duration: 10, volume_level: 1 })
    },
    switch: async () => {
      const relay = panel.getByRole('switch', { name: 'Workbench Relay' })
      await press(relay, 'Space')
      await hears('switch/set', 'ON')
      assert.equal(await relay.getAttribute('aria-checked'), 'false', 'it is on when the board says so')
      await say(board, 'switch', 'ON')
      await panel.getByRole('switch', { name: 'Workbench Relay', checked: true }).waitFor()
    },
    text: async () => {
      const field = panel.getByRole('textbox', { name: 'Workbench Label' })
      await field.fill('NOT ALLOWED 1')
      await field.press('Enter')
      await field.fill('good morning')
      await field.press('Enter')
      await hears('text/set', 'good morning')
    },
    update: async () => {
      await screen.sees(/Installed 1\.0 Newest 1\.1/)
      await button('Install 1.1 on Workbench Firmware').click()
      await button('Install 1.1').click()
      await hears('update/set', 'INSTALL')
      await say(board, 'update', '{"installed_version":"1.0","latest_version":"1.1","in_progress":true,"update_percentage":40}')
      await screen.sees(/Installing 1\.1 40 %/)
    },
    vacuum: async () => {
      await button('Start').click()
      await hears('vacuum/set', 'start')
      await button('strong').click()
      await hears('vacuum/speed/set', 'strong')
    },
    valve: async () => {
      await press(slider('Workbench Valve flow'), 'End')
      await hears('valve/set', 100)
    },
    water_heater: async () => {
      await button('Performance').click()
      await hears('boiler/mode/set', 'performance')
      await button('Lower Workbench Boiler target').click()
      await hears('boiler/target/set', 54)
    },
  }

  for (const component of Object.keys(KINDS)) {
    await step(t, component, async () => {
      heard.length = 0
      await open(component)
      await OPERATED[component]()
    })
  }

  await step(t, 'what is refused is never sent', async () => {
    const { messages } = await hearth(hub, 'call', 'topic_history', '{"topic":"every/text/set"}')
    assert.deepEqual(messages.map(({ payload }) => payload), ['good morning'])
  })

  await step(t, 'a board that is gone takes no command, and the page says why', async () => {
    await say(board, 'status', 'offline')
    await open('light')
    await screen.sees(/It is unavailable since .* and would not hear anything\. Check that it has power and is in reach\./)
    assert.ok(await slider('Workbench Lamp brightness').isDisabled())
    assert.ok(await panel.getByRole('switch', { name: 'Workbench Lamp' }).isDisabled())
    await screen.open('#/devices')
    await screen.sees(/Workbench.*Unavailable since/)
  })
})
