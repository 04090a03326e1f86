/**
 * Two projects: what runs, and what must or must not compile. Suites start children, browsers and databases of their own, so they get two
 * workers and timeouts that a test under load never meets: they are for what hangs, and a database alone takes seconds to open on an idle
 * machine. The coverage threshold counts only where `--coverage` is given, which is in CI.
 */
import { defineConfig } from 'vitest/config'

// What `keelson new` writes is run by Node's own test runner.
const generated = ['**/node_modules/**', '**/dist/**', '**/templates/**']

export default defineConfig({
  test: {
    reporters: ['default', './tools/summary-reporter.ts'],
    maxWorkers: 2,
    // V8 may lose track of protected code pages, and abort, where threads open and close many databases of WebAssembly (nodejs/node#64500).
    execArgv: ['--no-memory-protection-keys'],
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**/*.{ts,tsx}', 'adapters/*/src/**/*.ts'],
      // The command line, a supervised service and PGlite run in processes and threads of their own.
      autoAttachSubprocess: true,
      reporter: [
        ['text-summary', {}],
        ['text', { skipFull: true }],
        ['json-summary', {}],
      ],
      thresholds: { lines: 85 },
    },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: generated,
          testTimeout: 120_000,
          hookTimeout: 240_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'types',
          include: [],
          typecheck: {
            enabled: true,
            only: true,
            include: ['**/*.test-d.ts'],
            exclude: generated,
            checker: 'tsc',
            tsconfig: './tsconfig.json',
            // Type errors outside the type tests are for `npm run check` to report; here they would be counted as tests.
            ignoreSourceErrors: true,
          },
        },
      },
    ],
  },
})
