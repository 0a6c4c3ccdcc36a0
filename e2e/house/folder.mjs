// Folders of one test run; they go when it ends.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A fresh folder, private to this user. */
export function freshFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-e2e-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))
  return folder
}
