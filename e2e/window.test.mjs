import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freshFolder, HEARTH_DESKTOP, hubOn, ON_FREE_PORTS } from './house/hub.mjs'
import { windowScreen } from './house/screen.mjs'
import { openWindow } from './house/window.mjs'
import { story } from './story.mjs'

test('the story in the window', async (t) => {
  const folder = await freshFolder()
  const window = await openWindow(HEARTH_DESKTOP, ['--data-dir', folder, ...ON_FREE_PORTS])
  t.after(() => window.close())
  await story(t, { screen: windowScreen(window.session), hub: await hubOn(folder) })
})

test('a hub that cannot start says why in the window, and what to do', async (t) => {
  const folder = await freshFolder()
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
