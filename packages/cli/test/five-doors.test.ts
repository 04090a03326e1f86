/**
 * Every way into an operation gives its implementation the same value, or refuses by name: the facade in the process is the measure of the
 * typed client, of requests made from the OpenAPI document alone, of `/rpc` and of the command line. Contracts and values are made from a
 * seed. `KEELSON_DOORS=200 KEELSON_SEED=7` makes more of them, from another seed.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { command, defineContract, isError, jsonSchemaOf, type Operation, query, type Schema } from '@keelson/kernel'
import { type Random, schemaValues, seededRandom } from '@keelson/kernel/testing'
import { createClient, defineService, defineSystem, http, openApiOf, type RunningSystem, startSystem } from '@keelson/services'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Command } from 'commander'
import { afterEach, expect, test, vi } from 'vitest'
import { addCallCommand } from '../src/commands/operation.ts'
import { arbitraryInput, arbitraryValue } from './arbitrary-schemas.ts'
import { type Described, requestOf } from './openapi-requests.ts'

const contracts = Number(process.env['KEELSON_DOORS'] ?? 6)
const seed = Number(process.env['KEELSON_SEED'] ?? 1)
const valuesOfEach = 12
