import { expect, it } from 'vitest'
import packageJson from '../../../package.json'
import { MADE_OF } from './licences'

const installed = import.meta.glob<string>(['/node_modules/*/package.json', '/node_modules/@*/*/package.json'], { exhaustive: true, import: 'license' })

it('names the licences that the installed packages carry', async () => {
  for (const { npm, licence } of MADE_OF) {
    if (npm !== undefined) expect(await installed[`/node_modules/${npm}/package.json`]?.(), npm).toBe(licence)
  }
})

it('names every family of packages the UI ships', () => {
  const named = new Set(MADE_OF.flatMap(({ npm }) => npm ?? []))
  const family = (name: string) => name.startsWith('@codemirror/') || name.startsWith('@lezer/')
  expect(Object.keys(packageJson.dependencies).filter((name) => !named.has(name) && !family(name))).toEqual([])
})
