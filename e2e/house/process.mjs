// Real processes, started for one test and stopped with it.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** How long a process may take to be ready, and to end when asked. */
const READY_MS = 60_000
const END_MS = 15_000

/**
 * Starts a program. `ready`, if given, is the line to wait for.
 * The result tells its lines as they come, what it said in all, and ends it with `stop`.
 */
export async function start(program, args, { ready, env = {}, input } = {}) {
  // A group of its own, so that what it starts ends with it.
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'], detached: true })
  const end = () => signal(child, 'SIGKILL')
  process.once('exit', end)
  const said = []
  const listeners = new Set()
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      said.push(line)
      for (const listener of listeners) listener(line)
    })
  }
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const ended = new Promise((resolve) => {
    child.on('error', (error) => resolve({ code: -1, signal: null, error }))
    child.on('close', (code, by) => resolve({ code, signal: by }))
  })
  const gone = Promise.race([new Promise((resolve) => child.on('exit', resolve)), ended])
  void ended.then(() => process.off('exit', end))
  const name = program.split('/').pop()

  /** The first line, said before or yet to come, that fits. */
  const line = (pattern, deadlineMs = READY_MS) =>
    new Promise((resolve, reject) => {
      const settle = (outcome, value) => {
        clearTimeout(timer)
        listeners.delete(look)
        outcome(value)
      }
      const fail = (why) => settle(reject, new Error(`${name} ${why} ${pattern}. It said:\n${said.join('\n')}`))
      const look = (text) => {
        const match = text.match(pattern)
        if (match) settle(resolve, match)
      }
      const timer = setTimeout(() => fail(`did not say within ${deadlineMs / 1000} s:`), deadlineMs)
      listeners.add(look)
      said.forEach(look)
      void ended.then(() => setImmediate(() => fail('ended without saying')))
    })

  const started = {
    pid: child.pid,
    said,
    line,
    ended,
    /** Ends it as a system does, and by force only when it does not. */
    async stop() {
      signal(child, 'SIGTERM')
      const timer = setTimeout(() => signal(child, 'SIGKILL'), END_MS)
      await gone
      clearTimeout(timer)
      // A grandchild in a group of its own may still hold them open.
      child.stdout.destroy()
      child.stderr.destroy()
      return ended
    },
  }
  if (ready) {
    try {
      started.ready = await line(ready)
    } catch (error) {
      await started.stop()
      throw error
    }
  }
  return started
}

/** To the whole group; one that has ended needs none. */
function signal(child, name) {
  try {
    process.kill(-child.pid, name)
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

/** Runs a program to its end and gives what it said; fails when it does, unless `mayFail`. */
export async function run(program, args, { mayFail = false, ...options } = {}) {
  const started = await start(program, args, options)
  const { code, error } = await started.ended
  const said = started.said.join('\n')
  if (error) throw error
  if (code !== 0 && !mayFail) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${said}`)
  return { code, said }
}

/** Asks again and again until the answer is truthy. */
export async function until(what, ask, deadlineMs = 20_000) {
  const deadline = Date.now() + deadlineMs
  for (;;) {
    const answer = await ask()
    if (answer) return answer
    if (Date.now() > deadline) throw new Error(`Not within ${deadlineMs / 1000} s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

