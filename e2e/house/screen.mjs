// What a person does with the page: the same words for the browser and for the window.
import { chromium } from 'playwright-core'
import { execFileSync } from 'node:child_process'
import { until } from './process.mjs'

const PATIENCE_MS = 20_000

/**
 * A screen can
 *   open(place)               go to an address inside the page, such as `#/devices`
 *   press(role, name)         click what has this role and accessible name
 *   write(role, name, text)   fill a field
 *   paste(text)               replace the script in the editor
 *   sees(pattern)             wait until the text of the page fits
 *   picture()                 a PNG of it
 */
export function browserScreen(page) {
  page.setDefaultTimeout(PATIENCE_MS)
  return {
    goto: (address) => page.goto(address),
    open: (place) => page.evaluate((hash) => { location.hash = hash }, place),
    press: (role, name) => page.getByRole(role, { name }).first().click(),
    write: (role, name, text) => page.getByRole(role, { name }).first().fill(text),
    paste: async (text) => {
      await page.locator('.cm-content').waitFor()
      await page.evaluate(pasteIntoEditor, text)
    },
    sees: (pattern) => seen(pattern, () => page.evaluate(shownText)),
    picture: () => page.screenshot(),
  }
}

export function windowScreen(session) {
  // A regular expression cannot travel into the page as one.
  const element = (role, name) =>
    until(`a ${role} called ${name}`, () => session.evaluate(findByRole, role, name.source ?? null, name.source ? name.flags : name), PATIENCE_MS)
  return {
    open: (place) => session.evaluate((hash) => { location.hash = hash }, place),
    press: async (role, name) => session.click(await element(role, name)),
    write: async (role, name, text) => session.type(await element(role, name), text),
    paste: async (text) => {
      await until('the editor', () => session.evaluate(() => document.querySelector('.cm-content') !== null), PATIENCE_MS)
      await session.evaluate(pasteIntoEditor, text)
    },
    sees: (pattern) => seen(pattern, () => session.evaluate(shownText)),
    picture: () => session.picture(),
  }
}

/** Chromium of the system, or whatever of its family there is; `null` when there is none. */
export async function openBrowser() {
  const executablePath = [process.env.CHROMIUM, 'chromium', 'google-chrome', 'google-chrome-stable'].map(which).find(Boolean)
  if (!executablePath) return null
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  })
}

function which(program) {
  if (!program) return null
  try {
    return execFileSync('sh', ['-c', 'command -v "$0"', program], { encoding: 'utf8' }).trim()
  } catch {
    return null
  }
}

async function seen(pattern, read) {
  let text = ''
  try {
    return await until(`the page shows ${pattern}`, async () => (text = await read()).match(pattern), PATIENCE_MS)
  } catch (error) {
    error.message += `\nIt shows:\n${text}`
    throw error
  }
}

/* The functions below run inside the page. */

function shownText() {
  return document.body.innerText.replace(/[\u2009\u202f\u00a0]/g, ' ').replace(/\s+/g, ' ')
}

function pasteIntoEditor(text) {
  const editor = document.querySelector('.cm-content')
  editor.focus()
  document.getSelection().selectAllChildren(editor)
  const clipboard = new DataTransfer()
  clipboard.setData('text/plain', text)
  editor.dispatchEvent(new ClipboardEvent('paste', { clipboardData: clipboard, bubbles: true, cancelable: true }))
}

function findByRole(role, source, flagsOrName) {
  const selectors = {
    button: 'button:not([role]), [role=button]',
    link: 'a[href]',
    switch: '[role=switch]',
    textbox: 'input:not([type]), input[type=text], input[type=search], input[type=password], textarea, [role=textbox]',
  }
  const name = (element) =>
    (element.getAttribute('aria-label') ?? element.labels?.[0]?.innerText ?? element.innerText).trim()
  const fits = (text) => (source === null ? text === flagsOrName : new RegExp(source, flagsOrName).test(text))
  return [...document.querySelectorAll(selectors[role])].find((element) =>
    !element.disabled && element.getClientRects().length > 0 && fits(name(element))) ?? null
}
