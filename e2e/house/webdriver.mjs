// The few commands of W3C WebDriver that the tests need (https://www.w3.org/TR/webdriver2/).

const PATIENCE_MS = 60_000
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf'

/** A session with a program that WebKitWebDriver starts. */
export async function openSession(port, binary, args) {
  const root = `http://127.0.0.1:${port}/session`
  const opened = await ask('POST', root, {
    capabilities: { alwaysMatch: { 'webkitgtk:browserOptions': { binary, args } } },
  })
  const session = `${root}/${opened.sessionId}`
  return {
    evaluate: (script, ...values) =>
      ask('POST', `${session}/execute/sync`, { script: `return (${script}).apply(null, arguments)`, args: values }),
    evaluateAsync: (script, ...values) =>
      ask('POST', `${session}/execute/async`, {
        script: `const done = arguments[arguments.length - 1];
          (${script}).apply(null, [...arguments].slice(0, -1)).then((ok) => done({ ok }), (err) => done({ err }))`,
        args: values,
      }),
    click: (element) => ask('POST', `${session}/element/${element[ELEMENT]}/click`, {}),
    // WebKitWebDriver drops the second of two equal letters sent at once.
    async type(element, text) {
      for (const letter of text) {
        await ask('POST', `${session}/element/${element[ELEMENT]}/value`, { text: letter })
      }
    },
    press: (key) =>
      ask('POST', `${session}/actions`, {
        actions: [{ type: 'key', id: 'keys', actions: [{ type: 'keyDown', value: key }, { type: 'keyUp', value: key }] }],
      }),
    picture: async () => Buffer.from(await ask('GET', `${session}/screenshot`), 'base64'),
    title: () => ask('GET', `${session}/title`),
    close: () => ask('DELETE', session),
  }
}

async function ask(method, url, body) {
  const answer = await fetch(url, { method, body: body && JSON.stringify(body), signal: AbortSignal.timeout(PATIENCE_MS) })
  const { value } = await answer.json()
  if (!answer.ok) throw new Error(`WebDriver: ${value.error}: ${value.message}`)
  return value
}
