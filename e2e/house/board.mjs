// A board that does not exist, in a process of its own: `board` of the testkit.
import { join } from 'node:path'
import { BUILT } from './hub.mjs'
import { start } from './process.mjs'

/** Switches one on until the test ends; `address` is where its web page, its console or its cable is. */
export async function startBoard(t, firmware, options = []) {
  const board = await start(join(BUILT, 'board'), [firmware, ...options], { ready: /^ready (?:http|serial)=(.*)$/ })
  t.after(() => board.stop())
  return { address: board.ready[1], said: board.said }
}
