import { mdiChartLine, mdiCogOutline, mdiDevices, mdiFileTreeOutline, mdiHistory, mdiHomeOutline, mdiRobotOutline } from '@mdi/js'
import type { Component } from 'svelte'

export interface Place {
  id: string
  name: string
  icon: string
  load: () => Promise<{ default: Component }>
}

/** The seven places, in the order of the rail. Each loads when it is first opened. */
export const places: Place[] = [
  { id: 'home', name: 'Home', icon: mdiHomeOutline, load: () => import('../places/home/index.svelte') },
  { id: 'devices', name: 'Devices', icon: mdiDevices, load: () => import('../places/devices/index.svelte') },
  { id: 'automations', name: 'Automations', icon: mdiRobotOutline, load: () => import('../places/automations/index.svelte') },
  { id: 'history', name: 'History', icon: mdiChartLine, load: () => import('../places/history/index.svelte') },
  { id: 'topics', name: 'Topics', icon: mdiFileTreeOutline, load: () => import('../places/topics/index.svelte') },
  { id: 'activity', name: 'Activity', icon: mdiHistory, load: () => import('../places/activity/index.svelte') },
  { id: 'settings', name: 'Settings', icon: mdiCogOutline, load: () => import('../places/settings/index.svelte') },
]

/** A phone's bottom bar has room for these, and for "More". */
export const ON_PHONES = 4
