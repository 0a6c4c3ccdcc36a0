import { ago, ahead } from './format'

const AGO = /(\d+) s ago/g
const NEXT = /; ([^;]+?) in (\d+) s$/

/** Why the relay guard held something back. The hub told it as of `saidMs`: what is relative is counted on, and when it may be tried again is left out once it may. */
export function heldWords(why: string, saidMs: number, nowMs: number): string {
  const at = (seconds: string, sign: 1 | -1): number => saidMs + sign * Number(seconds) * 1_000
  return why
    .replace(NEXT, (_, what: string, seconds: string) => (at(seconds, 1) <= nowMs ? '' : `; ${what} ${ahead(at(seconds, 1), nowMs)}`))
    .replace(AGO, (_, seconds: string) => ago(at(seconds, -1), nowMs))
}
