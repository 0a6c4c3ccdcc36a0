import './lib/locale-shim'
import '@fontsource-variable/inter/wght.css'
import '@fontsource-variable/jetbrains-mono/wght.css'
import './app.css'
import './lib/theme.svelte'
import { mount } from 'svelte'
import App from './App.svelte'
import { faults } from './lib/faults.svelte'

// An error in the page reaches no terminal: without this the owner sees only that nothing happens.
window.addEventListener('error', (event) => faults.report(event.message || event.error))
window.addEventListener('unhandledrejection', (event) => faults.report(event.reason))

const target = document.getElementById('app')
if (target) mount(App, { target })
