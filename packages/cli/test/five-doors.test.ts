/**
 * Every way into an operation gives its implementation the same value, or refuses by name: the facade in the process is the measure of the
 * typed client, of requests made from the OpenAPI document alone, of `/rpc` and of the command line. Contracts and values are made from a
 * seed. `KEELSON_DOORS=200 KEELSON_SEED=7` makes more of them, from another seed.
 */
import { type Contract, command, defineContract, isError, isRecord, isSame, jsonSchemaOf, query } from '@keelson/kernel'
import { type Random, schemaValues, seededRandom } from '@keelson/kernel/testing'
import { createClient, errorOfProblem, http, openApiOf, type Service } from '@keelson/services'
import { startForTest } from '@keelson/services/testing'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Command } from 'commander'
import { expect, test, vi } from 'vitest'
import type * as z from 'zod'
import { addCallCommand } from '../src/commands/operation.ts'
import { type ArbitraryInput, arbitraryInput, arbitraryValue } from './arbitrary-schemas.ts'
import { type Described, requestOf } from './openapi-requests.ts'

const contracts = Number(process.env['KEELSON_DOORS'] ?? 3)
const seed = Number(process.env['KEELSON_SEED'] ?? 1)
const operationsOfEach = 6
const valuesOfEach = 10

/** What came of a call: a refusal, or what the implementation was given and the caller got. */
interface Outcome {
  readonly code?: string
  readonly given?: unknown
  readonly answer?: unknown
}

type Door = (operation: string, input: unknown) => Promise<unknown>

/** The refusals of an input, before it reaches the implementation. */
const refusals = ['OPERATION_INPUT_INVALID', 'REQUEST_MALFORMED', 'COMMAND_INVALID']

test(`five doors give ${contracts} contracts of seed ${seed} the same values`, { timeout: 600_000 }, async () => {
  let carried = 0
  let withheld = 0
  for (let n = 0; n < contracts; n++) {
    const counts = await tryContract(seed + n)
    carried += counts.carried
    withheld += counts.withheld
  }
  // A client that refused everything would be right too.
  expect(withheld).toBeLessThan(carried / 4)
})

async function tryContract(own: number): Promise<Counts> {
  const random = seededRandom(own)
  await using house = await openHouse(random)
  const counts = { carried: 0, withheld: 0 }
  for (const { name, input, output } of house.operations) {
    const inputs = schemaValues(jsonSchemaOf(input.schema, 'input', name), random)
    const answers = schemaValues(jsonSchemaOf(output, 'input', name), random)
    for (let n = 0; n < valuesOfEach; n++) {
      const isNearly = n % 3 === 2
      const value = isNearly ? inputs.invalid() : inputs.valid()
      house.answer = random() < 0.3 && output.safeParse(undefined).success ? undefined : answers.valid()
      const about = `KEELSON_SEED=${own} ${name} ${input.route} ${JSON.stringify(value)}`
      await tryValue(house, name, value, { about, isNearly, wanted: output.parse(house.answer), counts })
    }
  }
  return counts
}

interface Counts {
  carried: number
  withheld: number
}

interface Trial {
  readonly about: string
  /** The value may have keys that a validator drops, and outsiders may not give. */
  readonly isNearly: boolean
  readonly wanted: unknown
  readonly counts: Counts
}

async function tryValue(house: House, name: string, value: unknown, trial: Trial): Promise<void> {
  const { about, isNearly, wanted, counts } = trial
  const measure = await house.through('facade', name, value)
  const client = await house.through('client', name, value)
  // What the client cannot say on this route, nobody can.
  const doors = client.code === undefined ? (['rpc', 'cli', 'rest'] as const) : (['rpc', 'cli'] as const)
  const outcomes = [['client', client] as const]
  for (const door of doors) outcomes.push([door as 'client', await house.through(door, name, value)])
  const answer = JSON.stringify(measure.answer)
  if (measure.code === undefined)
    expect(holds(measure.answer, wanted), `facade: ${about} -> ${answer}, not ${JSON.stringify(wanted)}`).toBe(true)
  for (const [door, outcome] of outcomes) {
    const isRefused = outcome.code !== undefined && refusals.includes(outcome.code)
    const mayRefuse = measure.code !== undefined || isNearly || door === 'client'
    if (measure.code === undefined && isRefused && door === 'client') counts.withheld++
    if (isRefused && mayRefuse) continue
    const told = `${door}: ${about} -> ${JSON.stringify(outcome)}, not ${JSON.stringify({ ...measure, answer: wanted })}`
    const isRight = measure.code === undefined && isSame(outcome.given, measure.given) && isSame(outcome.answer, wanted)
    expect(isRight, told).toBe(true)
    counts.carried++
  }
}

/** Callers in the process may see more than the contract lets out of it, never less. */
function holds(answer: unknown, wanted: unknown): boolean {
  if (Array.isArray(answer) && Array.isArray(wanted))
    return answer.length === wanted.length && wanted.every((item, at) => holds(answer[at], item))
  if (!isRecord(answer) || !isRecord(wanted)) return isSame(answer, wanted)
  return Object.keys(wanted).every((key) => holds(answer[key], wanted[key]))
}

interface House extends AsyncDisposable {
  readonly operations: readonly { readonly name: string; readonly input: ArbitraryInput; readonly output: z.ZodType }[]
  /** What implementations return. */
  answer: unknown
  through(door: 'facade' | 'client' | 'rpc' | 'cli' | 'rest', operation: string, input: unknown): Promise<Outcome>
}

async function openHouse(random: Random): Promise<House> {
  const operations = Array.from({ length: operationsOfEach }, (_, at) => {
    const value = arbitraryValue(random, 1)
    return {
      name: `op${at}`,
      input: arbitraryInput(random, `op${at}`),
      output: random() < 0.3 ? value.optional() : value,
    }
  })
  const entries = operations.map(({ name, input, output }) => {
    // Routes are made as text here; the contract checks them.
    const make = input.route.startsWith('GET') ? query : command
    return [name, make({ input: input.schema, output }, http(input.route as never, input.options as never) as never)]
  })
  const Shop: Contract<'shop'> = defineContract('shop', '1.0.0', Object.fromEntries(entries) as Record<string, never>)
  let given: unknown
  const work = (input: unknown) => {
    given = input
    return house.answer
  }
  const implementation = Object.fromEntries(operations.map(({ name }) => [name, work]))
  const service: Service<'shop'> = {
    kind: 'service',
    contract: Shop,
    uses: {},
    config: undefined,
    start: async () => implementation,
  }
  const system = await startForTest({ services: [service], listen: true })
  const url = system.url ?? ''
  const document = openApiOf({ title: 'shop', version: '1' }, [Shop], url)
  expect((await new Validator().validate(structuredClone(document))).errors, JSON.stringify(document)).toBeUndefined()
  // All are functions from an input to a promise, by the contract's names.
  const facade = system.get(Shop) as unknown as Record<string, (input: unknown) => Promise<unknown>>
  const client = createClient(Shop, url) as unknown as Record<string, (input: unknown) => Promise<unknown>>
  const wholes = new Map(operations.map(({ name, input }) => [name, input.options.json ?? input.options.body]))
  const described = describedIn(document)
  const doors: Record<string, Door> = {
    facade: (name, input) => facade[name]?.(input) ?? Promise.resolve(),
    client: (name, input) => client[name]?.(input) ?? Promise.resolve(),
    rpc: (name, input) => send(new Request(`${url}/rpc/shop.${name}`, { method: 'POST', ...jsonBody(input) })),
    cli: (name, input) => runCall(url, `shop.${name}`, input),
    rest: async (name, input) => {
      const one = described.get(`shop.${name}`)
      if (!one) throw new Error(`${name} is not described`)
      const request = requestOf(one, input as Record<string, unknown>, wholes.get(name))
      return send(new Request(request.url.replace('http://keelson.test', url), request))
    },
  }
  const house: House = {
    operations,
    answer: undefined,
    async through(door, name, input) {
      given = undefined
      try {
        const answer = await doors[door]?.(name, input)
        return { given, answer }
      } catch (error) {
        if (isError(error)) return { code: error.code }
        throw error
      }
    },
    [Symbol.asyncDispose]: () => system.close(),
  }
  return house
}

function describedIn(document: Record<string, unknown>): Map<string, Described> {
  // The document was validated: paths hold operations by method.
  const paths = document['paths'] as Record<string, Record<string, Described>>
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]) => ({ ...one, path, method: method.toUpperCase() })),
  )
  return new Map(all.map((one) => [one.operationId, one]))
}

function jsonBody(input: unknown): RequestInit {
  return input === undefined ? {} : { body: JSON.stringify(input), headers: { 'content-type': 'application/json' } }
}

async function send(request: Request): Promise<unknown> {
  const response = await fetch(request)
  const text = await response.text()
  const answer: unknown = text === '' ? undefined : JSON.parse(text)
  if (response.ok) return answer
  throw errorOfProblem(answer) ?? new Error(text)
}

/** `keelson call`, as typed. */
async function runCall(url: string, operation: string, input: unknown): Promise<unknown> {
  const program = new Command().option('--url <url>').option('--json').exitOverride()
  addCallCommand(program, undefined)
  let printed = ''
  const stdout = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text)
    return true
  })
  try {
    const words = input === undefined ? [] : ['--input', JSON.stringify(input)]
    await program.parseAsync(['call', operation, ...words, '--json', '--url', url], { from: 'user' })
  } finally {
    stdout.mockRestore()
  }
  return printed === '' ? undefined : JSON.parse(printed)
}
