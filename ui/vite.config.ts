import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'

// Where a hub answers while the page is served by Vite: `hearth serve --http 127.0.0.1:8460`.
const hub = process.env.HEARTH_HTTP ?? 'http://127.0.0.1:8460'

export default defineConfig({
  plugins: [svelte()],
  // Svelte's server build has no $effect; tests need the one for browsers.
  resolve: process.env.VITEST ? { conditions: ['browser'] } : undefined,
  build: {
    target: ['safari16.4', 'chrome111'],
    // The content security policy allows fonts and pictures from files only, not from data: addresses.
    assetsInlineLimit: 0,
  },
  server: { port: 5173, strictPort: true, proxy: { '/api': { target: hub, ws: true } } },
  test: { environment: 'jsdom', include: ['src/**/*.test.ts'] },
})
