#!/usr/bin/env node
/** The `keelson` command. What it needs is loaded only once this Node is known to be new enough, so that an old one is told so in words. */
import module from 'node:module'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(`keelson: Node 22.19 or later is needed, and this is ${process.version}\n`)
  process.exitCode = 2
} else {
  module.enableCompileCache()
  const { runCli } = await import('./run-cli.ts')
  await runCli(process.argv)
}
