import type { Component as SvelteComponent } from 'svelte'
import type { Component, Entity } from '../../lib/api.gen'
import { isSwitch } from '../../lib/entity'
import type { LiveEntity } from '../../lib/live.svelte'
import AlarmBrief from './AlarmBrief.svelte'
import AlarmControl from './AlarmControl.svelte'
import CleanerBrief from './CleanerBrief.svelte'
import CleanerControl from './CleanerControl.svelte'
import ClimateBrief from './ClimateBrief.svelte'
import ClimateControl from './ClimateControl.svelte'
import CoverBrief from './CoverBrief.svelte'
import CoverControl from './CoverControl.svelte'
import EventFacts from './EventFacts.svelte'
import FanBrief from './FanBrief.svelte'
import FanControl from './FanControl.svelte'
import LightBrief from './LightBrief.svelte'
import LightControl from './LightControl.svelte'
import LockBrief from './LockBrief.svelte'
import LockControl from './LockControl.svelte'
import NumberBrief from './NumberBrief.svelte'
import NumberCard from './NumberCard.svelte'
import NumberControl from './NumberControl.svelte'
import Picture from './Picture.svelte'
import PressBrief from './PressBrief.svelte'
import SelectBrief from './SelectBrief.svelte'
import SirenControl from './SirenControl.svelte'
import SwitchBrief from './SwitchBrief.svelte'
import TextControl from './TextControl.svelte'
import TrackerFacts from './TrackerFacts.svelte'
import UpdateBrief from './UpdateBrief.svelte'
import UpdateControl from './UpdateControl.svelte'

export interface ControlProps {
  entity: LiveEntity
  /** Whose it is, for a screen reader. */
  label: string
}

type Control = SvelteComponent<ControlProps>

/** The forms a control has. */
export interface Forms {
  /** At the end of a line, beside its value. */
  beside?: Control
  /** On a card, in a row of its own, where there is more room. */
  below?: Control
  /** Everything it can, in the panel of its device. */
  whole?: Control
  /** The form beside shows the value itself; twice would be once too often. */
  says?: boolean
  /** The whole form has what the form beside has. */
  covers?: boolean
}

const SWITCH: Forms = { beside: SwitchBrief }
const CLIMATE: Forms = { below: ClimateBrief, whole: ClimateControl }
const CLEANER: Forms = { beside: CleanerBrief, whole: CleanerControl, covers: true }
const COVER: Forms = { beside: CoverBrief, whole: CoverControl }
const PRESS: Forms = { beside: PressBrief }

/** Each kind's, chosen here and nowhere else. Kinds that only report have a chart or a course of states for it. */
const FORMS: Record<Component, Forms> = {
  alarm_control_panel: { beside: AlarmBrief, whole: AlarmControl, covers: true },
  binary_sensor: {},
  button: PRESS,
  camera: { whole: Picture },
  climate: CLIMATE,
  cover: COVER,
  device_tracker: { whole: TrackerFacts },
  event: { whole: EventFacts },
  fan: { ...SWITCH, below: FanBrief, whole: FanControl },
  humidifier: { ...SWITCH, below: ClimateBrief, whole: ClimateControl },
  image: { whole: Picture },
  lawn_mower: CLEANER,
  light: { ...SWITCH, below: LightBrief, whole: LightControl },
  lock: { beside: LockBrief, whole: LockControl, covers: true },
  notify: { whole: TextControl },
  number: { beside: NumberBrief, below: NumberCard, whole: NumberControl, says: true },
  scene: PRESS,
  select: { beside: SelectBrief, says: true },
  sensor: {},
  siren: { ...SWITCH, whole: SirenControl },
  switch: SWITCH,
  text: { whole: TextControl },
  update: { beside: UpdateBrief, whole: UpdateControl },
  vacuum: CLEANER,
  valve: COVER,
  water_heater: CLIMATE,
}

/** What has nothing to be told shows its value only; some kinds have more to show than one. */
const FACTS: readonly Component[] = ['camera', 'device_tracker', 'event', 'image', 'update']

export function formsOf(entity: Entity): Forms {
  const forms = FORMS[entity.component]
  if (Object.keys(entity.commands).length > 0) {
    // A sensor that can be switched, as some boards announce, is a switch.
    return forms.beside || forms.whole || !isSwitch(entity) ? forms : SWITCH
  }
  return FACTS.includes(entity.component) && forms.whole ? { whole: forms.whole } : {}
}
