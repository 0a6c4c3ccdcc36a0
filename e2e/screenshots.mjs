// Pictures of every place, light and dark, wide and narrow, with the demo home in it.
//   node screenshots.mjs [FOLDER]     all of them, into a folder of your choice
// The two the README shows go to docs/screenshots/.
import { copyFile, mkdir, mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hearth, startHub } from './house/hub.mjs'
import { until } from './house/process.mjs'
import { openBrowser } from './house/screen.mjs'

const README = { 'home-light-1280.png': 'home-light.png', 'device-dark-1280.png': 'device-dark.png' }
const SCRIPT = fileURLToPath(new URL('house/night-light.rhai', import.meta.url))
const SIZES = [{ width: 1280, height: 860 }, { width: 390, height: 844 }]
/** What moves on opening has come to rest, and charts have drawn. */
const REST_MS = 900

const folder = process.argv[2] ?? (await mkdtemp(join(tmpdir(), 'hearth-screenshots-')))
await mkdir(folder, { recursive: true })
const browser = await openBrowser()
if (!browser) throw new Error('There is no Chromium or Chrome. Install one, or name it in $CHROMIUM.')
const hub = await startHub('demo')
try {
  const { devices } = await until('the demo home lives', async () => {
    const home = await hearth(hub, 'call', 'home')
    return home.entities.filter(({ state }) => state.value !== null).length > 10 && home
  })
  await hearth(hub, 'automation', 'save', SCRIPT)
  await until('it has run', async () => (await hearth(hub, 'automation', 'runs', 'night-light')).runs.length > 0)
  const places = {
    home: '#/home',
    devices: '#/devices',
    device: `#/devices/${devices.find(({ name }) => name === 'Garden').id}`,
    automations: '#/automations',
    automation: '#/automations/night-light',
    history: '#/history?entities=garden.temperature,bedroom_climate.temperature,garden.humidity',
    topics: '#/topics',
    activity: '#/activity',
    settings: '#/settings',
  }
  const token = (await readFile(join(hub.folder, 'owner-token'), 'utf8')).trim()
  for (const colorScheme of ['light', 'dark']) {
    for (const viewport of SIZES) {
      const context = await browser.newContext({ viewport, colorScheme, locale: 'en-US', reducedMotion: 'reduce' })
      const page = await context.newPage()
      await page.goto(`${hub.address}/?token=${token}`)
      for (const [name, place] of Object.entries(places)) {
        await page.evaluate((hash) => { location.hash = hash }, place)
        await page.waitForTimeout(REST_MS)
        await page.screenshot({ path: join(folder, `${name}-${colorScheme}-${viewport.width}.png`) })
      }
      await context.close()
    }
  }
} finally {
  await browser.close()
  await hub.stop()
}

const docs = fileURLToPath(new URL('../docs/screenshots/', import.meta.url))
await mkdir(docs, { recursive: true })
for (const [from, to] of Object.entries(README)) await copyFile(join(folder, from), join(docs, to))
console.log(`All pictures are in ${folder}, the README's in docs/screenshots.`)
