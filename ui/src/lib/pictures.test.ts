import { expect, it } from 'vitest'
import { pictureAddress, webAddress } from './pictures'

it('a picture has an address of its own', () => {
  expect(pictureAddress('garden.camera', 7)).toBe('/api/pictures/garden.camera/7')
  expect(pictureAddress('a/b', 7)).toBe('/api/pictures/a%2Fb/7')
})

it('only addresses of the web are links', () => {
  const check = (text: unknown, expected: string | null) => expect(webAddress(text)).toBe(expected)
  check('http://192.168.1.7/last.jpg', 'http://192.168.1.7/last.jpg')
  check('https://example.org/a', 'https://example.org/a')
  check('javascript:alert(1)', null)
  check('data:text/html,x', null)
  check('last.jpg', null)
  check(7, null)
})
