// A newcomer's walk: from the empty page to a named lamp in a room, and two ways it can go wrong.
//
// The hub and the boards are processes of their own; a board is `board` of the testkit, which behaves as a Tasmota does.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { startBoard } from './house/board.mjs'
import { hearth, startHub } from './house/hub.mjs'
import { until } from './house/process.mjs'
import { browserScreen, openBrowser } from './house/screen.mjs'
import { step } from './story.mjs'

/** What a newcomer may need, from the empty page to a lamp that has a name and a room. */
const CLICKS_MAX = 6
const WALK_MS_MAX = 120_000

const owner = (browser) => async (t) => {
  const hub = await startHub()
  t.after(() => hub.stop())
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 }, locale: 'en-US' })
  t.after(() => page.close())
  const screen = browserScreen(page)
  const token = (await readFile(join(hub.folder, 'owner-token'), 'utf8')).trim()
  await screen.goto(`${hub.address}/?token=${token}#/devices`)
  await screen.sees(/Every board, sensor and lamp that talks to Hearth appears here by itself/)
  // What lies under the wizard has the same names and cannot be pressed.
  const wizard = page.getByRole('complementary', { name: 'Add a device' })
  const press = (role, name) => wizard.getByRole(role, { name }).first().click()
  return { hub, page, screen, wizard, press }
}

const credentials = async (hub) => (await hearth(hub, 'call', 'list_credentials')).credentials.map(({ name }) => name)
const focused = (page) => page.evaluate(() => document.activeElement?.textContent?.trim().replace(/\s+/g, ' '))

test('pairing in a browser', async (t) => {
  const browser = await openBrowser()
  if (!browser) return t.skip('There is no Chromium or Chrome. Install one, or name it in $CHROMIUM.')
  t.after(() => browser.close())
  const open = owner(browser)

  await t.test('a newcomer gets from the empty page to a named lamp in a room', async (t) => {
    const { hub, page, screen, wizard, press } = await open(t)
    const board = await startBoard(t, 'tasmota')
    const [host, port] = board.address.split(':')
    let clicks = 0
    const click = async (role, name, where = press) => {
      clicks += 1
      await where(role, name)
    }
    const began = Date.now()

    await step(t, 'the window opens by itself, and the network is searched', async () => {
      await click('link', 'Add a device', screen.press)
      await screen.sees(/Step 1 of 3 Which board\? Listening for new boards, [12]:\d\d left/)
      await screen.write('textbox', 'Range of addresses', `${host}/32`)
      await screen.write('textbox', 'Port', port)
      await click('button', 'Try every address')
      await screen.sees(/ESP8266EX|Tasmota/)
    })

    await step(t, 'the board is there with its model, gets a name and a room', async () => {
      await click('link', /^Add Tasmota at 127\.0\.0\.1/)
      await screen.sees(/Step 2 of 3/)
      await until('the name has the focus', () => page.evaluate(() => document.activeElement?.getAttribute('name') === 'name'))
      assert.match(await page.getByRole('textbox', { name: 'Name', exact: true }).inputValue(), /^Tasmota A0/)
      assert.equal(await page.getByLabel(/Password of the board/).count(), 0, 'a board without a password is not asked for one')
      assert.equal(await page.getByLabel(/Wi-Fi/).count(), 0, 'a board in the network needs none')
      await page.keyboard.type('Desk lamp')
      await screen.write('textbox', 'Room', 'Living room')
      await click('button', 'Pair it')
    })

    await step(t, 'it is paired, lives and obeys', async () => {
      await screen.sees(/Step 3 of 3 Desk lamp is paired/)
      assert.match(await focused(page), /Step 3 of 3/, 'the focus is at the heading of the step')
      await screen.sees(/It stands in Living room\. It logged in with its own access and told what it can do/)
      const lamp = wizard.getByRole('switch')
      await until('the lamp says that it is off', async () => (await lamp.getAttribute('aria-checked')) === 'false')
      await lamp.click()
      await until('the lamp says that it is on', async () => (await lamp.getAttribute('aria-checked')) === 'true')
      await click('button', 'Done')
    })

    assert.ok(clicks <= CLICKS_MAX, `${clicks} clicks; ${CLICKS_MAX} at most`)
    assert.ok(Date.now() - began < WALK_MS_MAX, 'the walk took too long')
    t.diagnostic(`${clicks} clicks, ${((Date.now() - began) / 1_000).toFixed(1)} s`)

    await step(t, 'when Hearth moves, one button tells the board', async () => {
      await screen.open('#/settings/broker')
      await screen.press('button', 'Point all boards at this address')
      await screen.sees(new RegExp(`The board was told 127\\.0\\.0\\.1:${hub.port}\\. Desk lamp Tasmota .*It was told by a message`))
      await screen.open('#/devices')
    })

    await step(t, 'the lamp is in its room, and nobody waits', async () => {
      await screen.sees(/Living room 1 .*Desk lamp/)
      const { devices, areas } = await hearth(hub, 'call', 'home')
      assert.deepEqual(devices.map(({ name, area }) => [name, areas.find(({ id }) => id === area)?.name]), [['Desk lamp', 'Living room']])
      assert.deepEqual(await credentials(hub), ['desk-lamp'])
      assert.equal(await page.locator('nav .count').count(), 0)
    })
  })

  await t.test('a wrong password of the board is told, and corrected without typing the rest again', async (t) => {
    const { hub, page, screen, press } = await open(t)
    const board = await startBoard(t, 'tasmota', ['--own-password', 'board secret'])
    const password = () => page.getByLabel('Password of the board\'s web page')

    await step(t, 'the board is found by its address, and says that it has a password', async () => {
      await screen.press('link', 'Add a device')
      await screen.write('textbox', 'Address of the board', '127.0.0.1:1')
      await press('button', 'Find it')
      await screen.sees(/Nobody answers at 127\.0\.0\.1:1\. See that the board has power/)
      await screen.write('textbox', 'Address of the board', board.address)
      await press('button', 'Find it')
      await password().waitFor()
    })

    await step(t, 'with the wrong one nothing is left of the try', async () => {
      await screen.write('textbox', 'Name', 'Heater')
      await screen.write('textbox', 'Room', 'Bath')
      await password().fill('wrong guess')
      await press('button', 'Pair it')
      await screen.sees(/Heater was not paired .*The board wants its own password, or the one that was given is wrong\. Nothing was changed on the board\. Give the password/)
      assert.deepEqual(await credentials(hub), [])
    })

    await step(t, 'with the right one it is paired; the rest was kept', async () => {
      await press('link', 'Try again')
      await screen.sees(/did not take the password of its web page/)
      assert.equal(await page.getByRole('textbox', { name: 'Name', exact: true }).inputValue(), 'Heater')
      assert.ok(await page.getByRole('radio', { name: 'Bath' }).isChecked())
      await until('the password has the focus', () => password().evaluate((field) => field === document.activeElement))
      await page.keyboard.type('board secret')
      await page.keyboard.press('Enter')
      await screen.sees(/Heater is paired .*It stands in Bath/)
      assert.deepEqual(await credentials(hub), ['heater'])
    })
  })

  await t.test('who is not added before the window closes is forgotten, and comes again with the next', async (t) => {
    const { hub, page, screen, wizard, press } = await open(t)
    await step(t, 'a board that tries to log in is in the inbox', async () => {
      await startBoard(t, 'tasmota', ['--broker', `127.0.0.1:${hub.port}`, '--user', 'old', '--password', 'an old password'])
      await screen.press('link', 'Add a device')
      await screen.sees(/DVES_00A001/)
      await screen.press('button', 'Close')
      await screen.sees(/1 board waits DVES_00A001 .*Tried to log in/)
      await page.getByRole('link', { name: /^Devices ?, ?1 board waits$/ }).waitFor()
    })

    await step(t, 'a form that is open when the window closes says so, and keeps what was typed', async () => {
      await screen.press('link', /^Add DVES_00A001/)
      await screen.sees(/Step 2 of 3/)
      await screen.write('textbox', 'Name', 'Old plug')
      await hearth(hub, 'call', 'close_pairing')
      await screen.sees(/The window closed, and the board was forgotten/)
      assert.ok(await wizard.getByRole('button', { name: 'Pair it' }).isDisabled())
      assert.deepEqual(await credentials(hub), [])
    })

    await step(t, 'it comes again, and is let in as it is', async () => {
      await press('button', 'Listen again')
      await until('the board is there again', () => wizard.getByRole('button', { name: 'Pair it' }).isEnabled())
      await page.getByRole('radio', { name: /As it is/ }).check()
      await press('button', 'Pair it')
      await screen.sees(/Old plug is paired/)
      assert.deepEqual(await credentials(hub), ['old'])
    })
  })

  await t.test('a board that never comes back is cancelled, while another on a cable is paired', async (t) => {
    const { hub, page, screen, wizard, press } = await open(t)
    const lost = await startBoard(t, 'tasmota', ['--never-returns'])
    const cable = await startBoard(t, 'tasmota', ['--serial'])

    await step(t, 'it has its settings and is waited for, with the time that is left', async () => {
      await screen.press('link', 'Add a device')
      await screen.write('textbox', 'Address of the board', lost.address)
      await press('button', 'Find it')
      await screen.sees(/Step 2 of 3/)
      await screen.write('textbox', 'Name', 'Terrace')
      await press('button', 'Pair it')
      await screen.sees(/Step 3 of 3 Pairing Terrace .*It logs in with them ?, now [12]:\d\d left .*The board has its settings/)
      assert.deepEqual(await credentials(hub), ['terrace'])
    })

    await step(t, 'meanwhile a board on a cable gets its settings and the network to join', async () => {
      await screen.open(`#/devices?add=board&serial=${encodeURIComponent(cable.address)}&firmware=tasmota`)
      await screen.sees(/Step 2 of 3/)
      assert.equal(await page.getByLabel(/Password of the board/).count(), 0, 'nobody is asked for a password on a cable')
      await screen.write('textbox', 'Name', 'Desk')
      await screen.write('textbox', 'Wi-Fi network', 'home')
      await wizard.getByLabel('Password of that network').fill('wifi secret')
      await press('button', 'Pair it')
      await screen.sees(/Step 3 of 3 Desk is paired/)
      await press('button', 'Add another')
      await screen.sees(/Step 1 of 3 .*Pairing Terrace/)
    })

    await step(t, 'what is cancelled leaves nothing', async () => {
      await press('link', 'Watch the pairing of Terrace')
      await press('button', 'Cancel')
      await screen.sees(/Step 1 of 3/)
      assert.deepEqual(await credentials(hub), ['desk'])
    })
  })
})
