/**
 * Builds the page into `dist`: one script and one stylesheet, nothing inline and nothing from elsewhere, so that it runs offline and
 * under `default-src 'self'`.
 */
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2023',
  },
  // While the page is worked on, the API is a system started beside it.
  server: { proxy: { '/v1': 'http://127.0.0.1:4700', '/bff': 'http://127.0.0.1:4700' } },
})
