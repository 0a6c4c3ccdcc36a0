import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { addCredential, hearth, startHub } from './house/hub.mjs'
import { publish, refusedPublish, subscribe } from './house/mqtt.mjs'
import { until } from './house/process.mjs'
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
  await whyItCannot(t, { screen, hub })
})

/** A board is set to topics it may not use: the page says so within seconds, and has the rule that mends it. */
async function whyItCannot(t, { screen, hub }) {
  const plug = { ...await addCredential(hub, 'plug', { mayWrite: ['home/plug/#'], mayRead: ['home/plug/#'] }), id: 'DVES_7F21A4' }
  const journalled = async () => (await hearth(hub, 'call', 'topic_history', '{"topic":"tele/plug/STATE"}')).messages.length

  await step(t, 'a publish without permission is acknowledged and kept from everybody, as MQTT 3.1.1 has it', async () => {
    await publish(plug, 'tele/plug/STATE', { POWER: 'ON' })
    assert.equal(await journalled(), 0)
  })

  await step(t, 'the page about the broker tells why, by the name of the client', async () => {
    await screen.open('#/settings/broker/refused')
    await screen.write('searchbox', 'Search what was refused', plug.id)
    await screen.sees(/Publish refused DVES_7F21A4.*tele\/plug\/STATE.*plug may write home\/plug\/# and nothing else/)
    await screen.open(`#/settings/broker/clients/${plug.id}`)
    await screen.sees(/It may not publish to tele\/plug\/STATE/)
  })

  await step(t, 'the proposed rule is shown before it is added; then the board can', async () => {
    await screen.press('button', /^Allow tele\/.* for plug$/)
    await screen.sees(/This rule is added to plug: it may publish to .*\+ tele\//)
    await screen.press('button', 'Add this rule')
    await screen.sees(/plug may publish to tele\/\S+ now/)
    await publish(plug, 'tele/plug/STATE', { POWER: 'ON' })
    await until('the message is kept', async () => (await journalled()) === 1)
    await screen.open('#/settings/broker/refused')
    await screen.sees(/Publish refused allowed now DVES_7F21A4/)
  })

  await step(t, 'a connected client is in the list, and can be kicked', async () => {
    const listener = await subscribe({ ...plug, id: 'hallway' }, 'home/plug/#')
    await screen.open('#/settings/broker/clients')
    await screen.press('link', 'hallway')
    await screen.sees(/Subscriptions home\/plug\/#/)
    await screen.press('button', 'Kick hallway')
    await screen.press('button', 'Kick')
    await screen.sees(/Its connection was closed/)
    await listener.stop()
  })

  await step(t, 'who never got in is found by what it called itself', async () => {
    await refusedPublish({ ...plug, id: 'attic', secret: 'guessed' }, 'home/plug/x', '1')
    await screen.open('#/settings/broker/refused')
    await screen.write('searchbox', 'Search what was refused', 'attic')
    await screen.sees(/Login refused attic/)
  })
}
