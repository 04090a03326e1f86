import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import * as published from '@opentelemetry/semantic-conventions'
import { test } from 'vitest'
import { semanticConventions } from '../src/index.ts'

const { version, exception, ...attributes } = semanticConventions

test('the conventions are those of the pinned version', () => {
  const entry = createRequire(import.meta.url).resolve('@opentelemetry/semantic-conventions')
  const folder = entry.slice(0, entry.indexOf('semantic-conventions') + 'semantic-conventions'.length)
  assert.equal(JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')).version, version)
})

test('each attribute that we write is one that is published as stable', () => {
  const stable = new Set(
    Object.entries(published)
      .filter(([name]) => name.startsWith('ATTR_'))
      .map(([, value]) => value),
  )
  for (const name of Object.values(attributes)) assert.ok(stable.has(name), name)
  assert.equal(published.EVENT_EXCEPTION, exception)
})
