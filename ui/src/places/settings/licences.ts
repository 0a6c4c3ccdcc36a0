/** What Hearth is made of: the parts a reader would look for, with their licences. Tests compare the packages of
 * the UI with what is installed. */
export const MADE_OF: readonly { name: string; for: string; licence: string; npm?: string }[] = [
  { name: 'rumqttd', for: 'message bus', licence: 'Apache-2.0' },
  { name: 'Rhai', for: 'automations', licence: 'MIT OR Apache-2.0' },
  { name: 'SQLite', for: 'storage', licence: 'Public domain' },
  { name: 'Tokio and axum', for: 'network', licence: 'MIT' },
  { name: 'Tauri', for: 'desktop window', licence: 'Apache-2.0 OR MIT', npm: '@tauri-apps/api' },
  { name: 'Svelte', for: 'user interface', licence: 'MIT', npm: 'svelte' },
  { name: 'bits-ui', for: 'user interface', licence: 'MIT', npm: 'bits-ui' },
  { name: 'uPlot', for: 'charts', licence: 'MIT', npm: 'uplot' },
  { name: 'CodeMirror', for: 'editor', licence: 'MIT', npm: '@codemirror/view' },
  { name: 'virtua', for: 'long lists', licence: 'MIT', npm: 'virtua' },
  { name: 'Material Design Icons', for: 'icons', licence: 'Apache-2.0', npm: '@mdi/js' },
  { name: 'Inter', for: 'typeface', licence: 'OFL-1.1', npm: '@fontsource-variable/inter' },
  { name: 'JetBrains Mono', for: 'typeface', licence: 'OFL-1.1', npm: '@fontsource-variable/jetbrains-mono' },
]
