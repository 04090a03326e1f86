/**
 * Runs before `npm start`, `npm test` and `npm run check`, on whatever Node is installed (20 or later): plain JavaScript, no imports
 * from node_modules. Installs what the lock file names and builds the page; neither is done again while nothing has changed.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const lock = join(root, 'package-lock.json')
const page = join(root, 'apps/research/web')

if (!isInstalled()) {
  console.log('Installing dependencies (once) …')
  run('npm', ['ci', '--loglevel=error', '--no-audit', '--no-fund'])
}

const node = join(root, 'node_modules', '.bin', 'node')
if (spawnSync(node, ['--version']).status !== 0) {
  console.error(
    'Keelson cannot find its own Node 24: the install step of the npm package "node" did not run.\n' +
      'Install again without --ignore-scripts: npm ci',
  )
  process.exit(1)
}

const stamp = join(page, 'dist/.built-from')
const sources = hashOf([lock, ...filesUnder(page)])
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== sources) {
  console.log('Building the page …')
  run(node, [join(root, 'node_modules/vite/bin/vite.js'), 'build', page, '--logLevel', 'warn'])
  writeFileSync(stamp, sources)
}

function isInstalled() {
  const marker = join(root, 'node_modules', '.package-lock.json')
  return existsSync(marker) && statSync(marker).mtimeMs >= statSync(lock).mtimeMs
}

function filesUnder(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !['dist', 'node_modules', 'test'].includes(name))
    .flatMap((entry) => (entry.isDirectory() ? filesUnder(join(folder, entry.name)) : [join(folder, entry.name)]))
    .sort()
}

function hashOf(files) {
  const hash = createHash('sha256')
  for (const file of files) hash.update(file.slice(root.length)).update('\0').update(readFileSync(file)).update('\0')
  return hash.digest('hex')
}

function run(command, parameters) {
  const { status } = spawnSync(command, parameters, { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
