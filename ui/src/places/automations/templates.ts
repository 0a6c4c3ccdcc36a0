import type { Entity } from '../../lib/api.gen'
import { isSwitch } from '../../lib/entity'

/** Ids of this home that stand in the examples, so that the first script already does something. */
export interface Things { number: string; bound: number; contact: string; switchable: string }

/** A script to start from. */
export interface Template { id: string; title: string; help: string; source(things: Things): string }

/** Picks things of the home for the examples; names of nobody's things where it has none. */
export function thingsOf(entities: Iterable<{ entity: Entity; value: unknown }>): Things {
  const things: Partial<Things> = {}
  let best = Infinity
  for (const { entity, value } of entities) {
    if (things.number === undefined && entity.component === 'sensor' && entity.device_class === 'temperature') {
      things.number = entity.id
      if (typeof value === 'number') things.bound = Math.ceil(value) + 2
    }
    if (entity.component === 'binary_sensor' && ['door', 'window', 'opening', 'motion', 'occupancy'].includes(entity.device_class ?? '')) things.contact ??= entity.id
    // A fan or a lamp may be switched to try something; a fridge should not.
    const rank = isSwitch(entity) ? ['fan', 'light', 'switch'].indexOf(entity.component) : -1
    if (rank >= 0 && rank < best) {
      best = rank
      things.switchable = entity.id
    }
  }
  return { number: 'living.temperature', bound: 25, contact: 'hall.door', switchable: 'living.fan', ...things }
}

/** Short scripts that show one thing each. */
export const TEMPLATES: readonly Template[] = [
  {
    id: 'bound', title: 'A value crosses a bound', help: 'Switches something on above a bound and off again below another.',
    source: ({ number, bound, switchable }) => `// Keep it cool
on(above("${number}", ${bound}), |e| {
    turn_on("${switchable}");
    log(\`On at \${e.value}\`);
});

on(below("${number}", ${bound - 2}), |e| {
    turn_off("${switchable}");
});
`,
  },
  {
    id: 'change', title: 'Something changes', help: 'Switches something on when a door opens or somebody moves.',
    source: ({ contact, switchable }) => `// Light when the door opens
on(changed("${contact}", #{ to: "on" }), |e| {
    turn_on("${switchable}");
});

on(changed("${contact}", #{ to: "off" }), |e| {
    turn_off("${switchable}");
});
`,
  },
  {
    id: 'message', title: 'A message arrives', help: 'Answers any topic, whether a device is known behind it or not.',
    source: () => `// Answer a button
on(topic("home/+/button"), |e| {
    let room = e.topic.split("/")[1];
    log(\`Button in \${room}: \${e.payload}\`);
    publish(\`home/\${room}/answer\`, #{ heard: e.payload });
});
`,
  },
  { id: 'empty', title: 'Empty script', help: 'One comment line: its name.', source: () => '// New automation\n' },
]

/** Name for a new automation: the first comment line of the script. */
export function nameIn(source: string): string {
  const NAME_MAX = 100
  return (/^\s*\/\/+\s*(\S.*?)\s*$/m.exec(source)?.[1] ?? 'New automation').slice(0, NAME_MAX)
}
