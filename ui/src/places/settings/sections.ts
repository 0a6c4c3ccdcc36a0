import { mdiChip, mdiHomeOutline, mdiImageMultipleOutline, mdiInformationOutline, mdiKeyOutline, mdiPaletteOutline, mdiServerNetworkOutline, mdiShieldHalfFull } from '@mdi/js'

/** The parts of the settings, each with an address of its own. */
export const SECTIONS = [
  { id: 'broker', name: 'Broker', icon: mdiServerNetworkOutline },
  { id: 'access', name: 'Access', icon: mdiKeyOutline },
  { id: 'guard', name: 'Relay guard', icon: mdiShieldHalfFull },
  { id: 'profiles', name: 'Firmware profiles', icon: mdiChip },
  { id: 'pictures', name: 'Pictures', icon: mdiImageMultipleOutline },
  { id: 'appearance', name: 'Appearance', icon: mdiPaletteOutline },
  { id: 'demo', name: 'Demo home', icon: mdiHomeOutline },
  { id: 'about', name: 'About', icon: mdiInformationOutline },
] as const
