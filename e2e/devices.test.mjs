// The list of devices: several are picked by keyboard and by mouse and changed together; rooms come and go.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { hearth, startHub } from './house/hub.mjs'
import { until } from './house/process.mjs'
import { browserScreen, openBrowser } from './house/screen.mjs'
import { step } from './story.mjs'

test('devices are picked and changed together, and rooms are kept', async (t) => {
  const browser = await openBrowser()
  if (!browser) return t.skip('There is no Chromium or Chrome. Install one, or name it in $CHROMIUM.')
  t.after(() => browser.close())
  const hub = await startHub()
  t.after(() => hub.stop())
  for (const name of ['Probe 1', 'Probe 2', 'Probe 3', 'Probe 4']) {
    await hearth(hub, 'call', 'add_entity', JSON.stringify({ topic: `${name.toLowerCase().replace(' ', '/')}`, name }))
  }

  const page = await browser.newPage({ viewport: { width: 1280, height: 860 }, locale: 'en-US', reducedMotion: 'reduce' })
  const screen = browserScreen(page)
  const token = (await readFile(join(hub.folder, 'owner-token'), 'utf8')).trim()
  await screen.goto(`${hub.address}/?token=${token}`)
  await screen.open('#/devices')
  const list = page.getByRole('list', { name: 'Devices' })
  const row = (name) => list.getByRole('link', { name, exact: true })
  const bar = page.getByRole('region', { name: 'Selected devices' })
  /** What the hub has: `name in room`, sorted. */
  const homeHas = (expected) => until(`the home has ${expected.join(', ')}`, async () => {
    const { devices, areas } = await hearth(hub, 'call', 'home')
    const said = devices.map(({ name, area }) => `${name} in ${areas.find(({ id }) => id === area)?.name ?? 'none'}`).sort()
    return JSON.stringify(said) === JSON.stringify(expected)
  })

  await step(t, 'there is no bar before anything is picked', async () => {
    await row('Probe 1').waitFor()
    assert.equal(await bar.count(), 0)
  })

  await step(t, 'space and Shift with arrows pick, and a new room is made on the way', async () => {
    await row('Probe 1').focus()
    await page.keyboard.press('Space')
    await page.keyboard.press('Shift+ArrowDown')
    await bar.getByText('2 selected').waitFor()
    await bar.getByLabel('Move to').selectOption('New room…')
    await page.keyboard.type('Cellar')
    await page.keyboard.press('Enter')
    await homeHas(['Probe 1 in Cellar', 'Probe 2 in Cellar', 'Probe 3 in none', 'Probe 4 in none'])
    await screen.sees(/Cellar 2 Probe 1 .*Probe 2 /)
  })

  await step(t, 'names follow a pattern', async () => {
    await bar.getByRole('button', { name: 'Rename' }).click()
    await bar.getByRole('textbox').fill('Cellar probe #')
    await screen.sees(/Becomes Cellar probe 1, Cellar probe 2/)
    await bar.getByRole('button', { name: 'Save' }).click()
    await homeHas(['Cellar probe 1 in Cellar', 'Cellar probe 2 in Cellar', 'Probe 3 in none', 'Probe 4 in none'])
  })

  await step(t, 'Escape lets go; Ctrl+click and Shift+click pick without opening', async () => {
    await row('Cellar probe 1').focus()
    await page.keyboard.press('Escape')
    await bar.waitFor({ state: 'detached' })
    await row('Cellar probe 2').click({ modifiers: ['Control'] })
    await row('Probe 4').click({ modifiers: ['Shift'] })
    await bar.getByText('3 selected').waitFor()
    await row('Probe 4').click({ modifiers: ['Control'] })
    await bar.getByText('2 selected').waitFor()
    assert.match(page.url(), /#\/devices$/)
    const box = (name) => list.getByRole('checkbox', { name: `Select ${name}` })
    const ticked = async (name) => assert.equal(await box(name).isChecked(), true, `${name} is ticked`)
    await ticked('Cellar probe 2')
    await box('Probe 4').click()
    await bar.getByText('3 selected').waitFor()
    await ticked('Probe 4')
    await box('Probe 4').click()
    await bar.getByText('2 selected').waitFor()
    assert.equal(await box('Probe 4').isChecked(), false)
    await box('Probe 3').click({ modifiers: ['Shift'] })
    await bar.getByText('3 selected').waitFor()
    await ticked('Probe 3')
    await box('Probe 4').click()
    await bar.getByText('2 selected').waitFor()
  })

  await step(t, 'removing asks first and says how many', async () => {
    await bar.getByRole('button', { name: 'Remove' }).click()
    await screen.sees(/Removes 2 devices, their 2 entities and all their readings/)
    await bar.getByRole('button', { name: 'Remove 2 devices' }).click()
    await homeHas(['Cellar probe 1 in Cellar', 'Probe 4 in none'])
    await bar.waitFor({ state: 'detached' })
  })

  await step(t, 'a room is renamed and removed, and its device stays', async () => {
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: 'Search' }).fill('rooms')
    await page.getByRole('option', { name: /Rooms/ }).first().click()
    const rooms = page.getByRole('complementary', { name: 'Rooms' })
    await rooms.getByRole('button', { name: 'Rename Cellar' }).click()
    await rooms.getByRole('textbox', { name: 'Name of the room' }).fill('Basement')
    await page.keyboard.press('Enter')
    await homeHas(['Cellar probe 1 in Basement', 'Probe 4 in none'])
    await rooms.getByRole('button', { name: 'Remove Basement' }).click()
    await screen.sees(/Removes the room Basement\. Its one device stays, without a room\./)
    await rooms.getByRole('button', { name: 'Remove', exact: true }).click()
    await homeHas(['Cellar probe 1 in none', 'Probe 4 in none'])
    await screen.sees(/There is no room yet/)
  })
})
