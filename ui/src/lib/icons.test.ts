import { mdiCamera, mdiChip, mdiLightbulb, mdiLock, mdiPowerSocketDe, mdiToggleSwitchVariant } from '@mdi/js'
import { expect, it } from 'vitest'
import type { Component } from './api.gen'
import { deviceIcon, entityIcon } from './icons'
import { device, entity } from './sample.test-data'

it('a lamp is a lamp in the list, on its page and on Home', () => {
  const lamp = device({ name: 'Desk lamp', model: 'Sonoff Basic' })
  const relay = entity({ component: 'switch', name: 'Relay' })
  expect(deviceIcon(lamp, [{ entity: relay }])).toBe(mdiLightbulb)
  expect(entityIcon(relay, undefined, lamp)).toBe(mdiLightbulb)
  expect(entityIcon(relay, undefined, device({ name: 'Board' }))).toBe(mdiToggleSwitchVariant)
  expect(entityIcon(entity({ component: 'switch', device_class: 'outlet' }), undefined, lamp)).toBe(mdiPowerSocketDe)
})

it('a device has the icon of what it is there for', () => {
  const check = (name: string, components: Component[], expected: string) =>
    expect(deviceIcon(device({ name }), components.map((component) => ({ entity: entity({ component }) })))).toBe(expected)
  check('Front door', ['sensor', 'camera'], mdiCamera)
  check('Front door', ['lock', 'binary_sensor'], mdiLock)
  check('Board', ['sensor'], mdiChip)
})
