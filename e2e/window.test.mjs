import assert from 'node:assert/strict'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { freshFolder } from './house/folder.mjs'
import { hearth, HEARTH_DESKTOP, hubOn, ON_FREE_PORTS } from './house/hub.mjs'
import { until } from './house/process.mjs'
import { windowScreen } from './house/screen.mjs'
import { openWindow } from './house/window.mjs'
import { step, story } from './story.mjs'

test('the story in the window', async (t) => {
  const folder = freshFolder()
  const window = await openWindow(HEARTH_DESKTOP, ['--data-dir', folder, ...ON_FREE_PORTS])
  t.after(() => window.close())
  const hub = await hubOn(folder)
  await story(t, { screen: windowScreen(window.session), hub })
  await step(t, 'told to end, the app stops its hub first; everything is there afterwards', async () => {
    process.kill(hub.pid, 'SIGTERM')
    await until('the hub has let go of its folder', () => access(join(folder, 'hub.json')).then(() => false, () => true))
    const { readings } = await hearth(hub, 'readings', 'greenhouse.soil_moisture')
    assert.equal(readings.length, 100)
  })
})

test('a hub that cannot start says why in the window, and what to do', async (t) => {
  const folder = freshFolder()
  const args = ['--data-dir', folder, ...ON_FREE_PORTS]
  const first = await openWindow(HEARTH_DESKTOP, args)
  t.after(() => first.close())
  await hubOn(folder)
  // A session bus of its own, so it does not find the first.
  const second = await openWindow(HEARTH_DESKTOP, args)
  t.after(() => second.close())
  const [text] = await windowScreen(second.session).sees(/Hearth is already running on .*/)
  assert.match(text, /stop it, or choose another folder/)
})
