// The real window: the desktop app on a display of its own, driven through WebKitWebDriver.
import { createServer } from 'node:net'
import { freshFolder } from './folder.mjs'
import { start, until } from './process.mjs'
import { openSession } from './webdriver.mjs'

/** Starts the desktop app with these arguments and gives its WebDriver session. */
export async function openWindow(binary, args) {
  const display = await start('Xvfb', ['-displayfd', '1', '-screen', '0', '1280x860x24', '-nolisten', 'tcp'], {
    ready: /^(\d+)$/,
  })
  const port = await freePort()
  const driver = await start('dbus-run-session', ['--', 'WebKitWebDriver', `--port=${port}`], {
    env: {
      DISPLAY: `:${display.ready[1]}`,
      WAYLAND_DISPLAY: '',
      XDG_RUNTIME_DIR: freshFolder(),
      // Where the size of the window is remembered.
      XDG_DATA_HOME: freshFolder(),
      LIBGL_ALWAYS_SOFTWARE: '1',
      NO_AT_BRIDGE: '1',
      // Without it the request for a session is never answered.
      TAURI_WEBVIEW_AUTOMATION: 'true',
    },
  })
  const stop = async () => {
    await driver.stop()
    await display.stop()
  }
  try {
    await until('WebKitWebDriver answers', () => fetch(`http://127.0.0.1:${port}/status`).catch(() => null))
    const session = await openSession(port, binary, args)
    return {
      session,
      /** Ends it; WebKitWebDriver kills an app that still runs. */
      async close() {
        await session.close().catch(() => {})
        await stop()
      },
    }
  } catch (error) {
    await stop()
    error.message += `\nThe app said:\n${driver.said.join('\n')}`
    throw error
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}
