// MQTT clients that others wrote: mosquitto's, and paho for Python.
import { fileURLToPath } from 'node:url'
import { run, start } from './process.mjs'

const SENSOR = fileURLToPath(new URL('sensor.py', import.meta.url))

const login = ({ port, user, secret, id }) => ['-h', '127.0.0.1', '-p', String(port), '-u', user, '-P', secret, ...(id ? ['-i', id] : [])]

/** Publishes with mosquitto_pub at QoS 1, so that it returns when the broker has acknowledged. */
export async function publish(client, topic, payload, { retain = false } = {}) {
  const message = typeof payload === 'string' ? payload : JSON.stringify(payload)
  await run('mosquitto_pub', [...login(client), '-q', '1', '-t', topic, '-m', message, ...(retain ? ['-r'] : [])])
}

/** Tries to publish, and gives what mosquitto_pub said when it may not log in. */
export async function refusedPublish(client, topic, payload) {
  const { code, said } = await run('mosquitto_pub', [...login(client), '-t', topic, '-m', payload], { mayFail: true })
  return { refused: code !== 0, said }
}

/** Subscribes with mosquitto_sub; each message is a line `topic payload`. */
export async function subscribe(client, filter) {
  const options = ['-q', '1', '-d', '-v', '-t', filter]
  // Line by line: into a pipe it would wait until its buffer is full.
  return start('stdbuf', ['-oL', 'mosquitto_sub', ...login(client), ...options], { ready: /received SUBACK/ })
}

/** Lets the Python sensor announce itself and send its readings; returns when all are acknowledged. */
export async function sensorSends({ port, user, secret }, readings) {
  const { said } = await run('/usr/bin/python3', [SENSOR, String(port), user, secret, String(readings)])
  return said
}
