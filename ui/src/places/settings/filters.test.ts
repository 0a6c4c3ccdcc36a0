import { describe, expect, it } from 'vitest'
import { filterFault, filtersIn, nameFault } from './filters'

describe('topic filters', () => {
  it('are one a line, each once', () => expect(filtersIn(' a/# \n\nb/+/c, a/#')).toEqual(['a/#', 'b/+/c']))
  const check = (text: string, wrong: boolean) => expect(filterFault(text) !== null, text).toBe(wrong)
  it('may hold wildcards as whole levels', () => {
    for (const good of ['', '#', '+', 'a/#', '+/a/+', '/', 'a//b', '%u/#']) check(good, false)
    for (const bad of ['a#', 'a/#/b', 'a+', 'a/b+/c', '##']) check(bad, true)
  })
})

describe('names', () => {
  const check = (name: string, wrong: boolean) => expect(nameFault(name) !== null, name).toBe(wrong)
  it('are one word without wildcards', () => {
    check('node-red', false)
    check('a b', true)
    check('a/b', true)
    check('a+', true)
    check('x'.repeat(65), true)
  })
})
