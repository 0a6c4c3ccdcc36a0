import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { startHub } from './house/hub.mjs'
import { browserScreen, openBrowser } from './house/screen.mjs'
import { step, story } from './story.mjs'

test('the story in a browser', async (t) => {
  const browser = await openBrowser()
  if (!browser) return t.skip('There is no Chromium or Chrome. Install one, or name it in $CHROMIUM.')
  t.after(() => browser.close())
  const hub = await startHub()
  t.after(() => hub.stop())

  const screen = browserScreen(await browser.newPage({ viewport: { width: 1280, height: 860 }, locale: 'en-US' }))
  await step(t, 'the owner signs in with the token from the data folder', async () => {
    const token = (await readFile(join(hub.folder, 'owner-token'), 'utf8')).trim()
    await screen.goto(hub.address)
    await screen.write('textbox', 'Owner token', 'not the token')
    await screen.press('button', 'Sign in')
    await screen.sees(/This token is not known\. `hearth token` prints the right one\./)
    await screen.write('textbox', 'Owner token', token)
    await screen.press('button', 'Sign in')
    await screen.sees(/Automations/)
  })
  await story(t, { screen, hub })
})
