/** A script to start from. */
export interface Template { id: string; title: string; help: string; source: string }

/** Short scripts that show one thing each. They load as they are; the names of things have to be put in. */
export const TEMPLATES: readonly Template[] = [
  {
    id: 'bound', title: 'When a value crosses a bound',
    help: 'Turns on a fan above 25 and off again below 23.',
    source: `// Keep it cool
on(above("living.temperature", 25), |e| {
    turn_on("living.fan");
    log(\`Fan on at \${e.value} °C\`);
});

on(below("living.temperature", 23), |e| {
    turn_off("living.fan");
});
`,
  },
  {
    id: 'change', title: 'When something changes',
    help: 'Turns on a light when a door opens.',
    source: `// Light when the door opens
on(changed("hall.door", #{ to: "on" }), |e| {
    turn_on("hall.light");
});
`,
  },
  {
    id: 'message', title: 'When a message arrives',
    help: 'Answers any topic, whether a device is known behind it or not.',
    source: `// Answer a message
on(topic("home/+/button"), |e| {
    log(\`\${e.topic} said \${e.payload}\`);
    publish("home/answer", \`got \${e.payload}\`);
});
`,
  },
  {
    id: 'empty', title: 'Empty script', help: 'One comment line: the name.',
    source: '// New automation\n',
  },
]
