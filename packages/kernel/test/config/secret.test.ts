import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { format, inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, expectTypeOf, test } from 'vitest'
import * as z from 'zod'
import { Configuration, isSecret, jsonSchemaOf, type Parsed, Secret, secret } from '../../src/index.ts'
import { loaded, problemsOf, problemsWith, sections } from './sections.ts'

const hidden = 'hunter2-hunter2'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keelson-secret-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('Secret', () => {
  test('shows itself nowhere and gives itself away by reveal() alone', () => {
    const value = Secret.of(hidden)
    const shown = [
      String(value),
      `${value}`,
      JSON.stringify({ value }),
      inspect({ value }, { depth: 9, showHidden: true }),
      format('%s %o %j', value, value, value),
      Object.entries(value).join(),
      JSON.stringify(structuredClone({ value })),
    ].join('\n')
    expect(shown).not.toContain('hunter2')
    expect(shown).toContain('[redacted]')
    expect(value.reveal()).toBe(hidden)
    expect([isSecret(value), isSecret(hidden), isSecret(null)]).toEqual([true, false, false])
  })

  test('is a value of a zod object and has a JSON Schema', () => {
    expectTypeOf<Parsed<(typeof sections)['payment']>['apiKey']>().toEqualTypeOf<Secret<string> | undefined>()
    expect(jsonSchemaOf(sections.payment, 'input', 'payment')).toMatchObject({
      properties: { apiKey: { type: 'string', format: 'password', writeOnly: true, minLength: 8 } },
    })
  })
})

describe('secret()', () => {
  test('is a Standard Schema with a JSON Schema', async () => {
    const schema = secret()
    const outcome = await schema['~standard'].validate(hidden)
    expect(outcome.issues === undefined && outcome.value.reveal()).toBe(hidden)
    for (const wrong of ['', 5, null, undefined, {}])
      expect(await schema['~standard'].validate(wrong)).toEqual({ issues: [{ message: 'a secret text is needed' }] })
    for (const side of ['input', 'output'] as const)
      expect(jsonSchemaOf(schema, side, 'it')).toMatchObject({ type: 'string', format: 'password', writeOnly: true })
  })
})

describe('secrets in configuration', () => {
  test('are read from a file, one trailing newline trimmed', async () => {
    for (const [content, value] of [
      [`${hidden}\n`, hidden],
      [`${hidden}\r\n`, hidden],
      [` ${hidden} \n\n`, ` ${hidden} \n`],
      [`\uFEFF${hidden}`, hidden],
    ] as const) {
      const file = join(folder, 'api-key')
      writeFileSync(file, content)
      const configuration = await loaded({ variables: { KEELSON_PAYMENT_API_KEY_FILE: file } })
      expect(configuration.get('payment').apiKey?.reveal()).toBe(value)
      expect(configuration.origins('payment')).toEqual([
        { path: 'payment.apiKey', value: '[redacted]', origin: 'KEELSON_PAYMENT_API_KEY_FILE' },
      ])
    }
  })

  test('are problems when their file cannot be read, beside all others', async () => {
    const big = join(folder, 'big')
    writeFileSync(big, 'x'.repeat(65_537))
    const latin = join(folder, 'latin')
    writeFileSync(latin, Buffer.from([0xe4, 0xf6, 0xfc]))
    mkdirSync(join(folder, 'folder'))
    for (const [file, reason] of [
      [join(folder, 'none'), 'there is none'],
      [join(folder, 'folder'), 'it is a folder'],
      ['/dev/null', 'it is no regular file'],
      [big, 'it is over 65536 bytes'],
      [latin, 'it is not UTF-8'],
    ] as const) {
      const variables = { KEELSON_PAYMENT_API_KEY_FILE: file, KEELSON_LISTENER_PORT: 'high' }
      expect(await problemsWith({ variables })).toEqual([
        `payment.apiKey: the file "${file}" cannot be read: ${reason} (KEELSON_PAYMENT_API_KEY_FILE)`,
        expect.stringMatching(/^listener\.port: /),
      ])
    }
  })

  test('that could not be read are not reported missing as well', async () => {
    const needy = new Configuration({
      sections: { needs: z.object({ key: z.string().meta(Secret.meta).transform(Secret.of) }) },
      variables: { KEELSON_NEEDS_KEY_FILE: join(folder, 'none') },
    })
    expect(await problemsOf(needy.load())).toEqual([expect.stringMatching(/^needs\.key: .* there is none/)])
  })

  test('come from the variable or its file, not both, and files are for secrets only', async () => {
    const file = join(folder, 'api-key')
    writeFileSync(file, hidden)
    expect(
      await problemsWith({ variables: { KEELSON_PAYMENT_API_KEY: hidden, KEELSON_PAYMENT_API_KEY_FILE: file } }),
    ).toEqual(['payment.apiKey: set KEELSON_PAYMENT_API_KEY or KEELSON_PAYMENT_API_KEY_FILE, not both'])
    const configuration = await loaded({ variables: { KEELSON_LISTENER_HOST_FILE: file } })
    expect(configuration.get('listener').host).toBe('127.0.0.1')
  })

  test('stay out of problems, whatever the schema says of them', async () => {
    for (const payment of [
      { apiKey: 'short' },
      { apiKey: { value: 'forbidden-key' } },
      { apiKey: 'forbidden-key' },
      { apiKey: ['forbidden-key'], byMode: { mode: 'off', x: 1 } },
      { keys: { eu: 'hunter2' } },
      { byMode: { mode: 'hunter2', token: 'hunter2' } },
    ]) {
      const problems = (await problemsWith({ base: { payment } })).join('\n')
      expect(problems).toContain('payment')
      expect(problems).not.toMatch(/short|forbidden-key|: hunter2/)
    }
  })

  test('that no schema marks are known by their names and their look', async () => {
    const lax = new Configuration({
      sections: {
        lax: z.object({
          url: z.string(),
          apiKey: z.string(),
          wantsPassword: z.boolean(),
          maxTokens: z.int(),
          tokens: z.array(z.string()),
        }),
      },
      base: {
        name: 'code',
        values: {
          lax: {
            url: 'redis://:hunter2@cache',
            apiKey: 'hunter2',
            wantsPassword: true,
            maxTokens: 5,
            tokens: ['hunter2'],
          },
        },
      },
    })
    await lax.load()
    expect(lax.get('lax').apiKey).toBe('hunter2')
    expect(lax.origins().map(({ path, value }) => [path, value])).toEqual([
      ['lax.url', 'redis://:[redacted]@cache'],
      ['lax.apiKey', '[redacted]'],
      ['lax.wantsPassword', true],
      ['lax.maxTokens', 5],
      ['lax.tokens', '[redacted]'],
    ])
  })

  test('stay out of changes, and a new one is a change all the same', async () => {
    const configuration = await loaded({ base: { payment: { apiKey: hidden, keys: { eu: hidden } } } })
    const heard: unknown[] = []
    configuration.watch((changes) => void heard.push(...changes))
    await configuration.update('payment.apiKey', 'another-secret')
    await configuration.update('payment.keys', { eu: hidden, us: hidden })
    await configuration.update('payment.byMode', { mode: 'live', token: hidden })
    expect(heard).toEqual([
      { section: 'payment', path: 'payment.apiKey', before: '[redacted]', after: '[redacted]' },
      { section: 'payment', path: 'payment.keys.us', before: undefined, after: '[redacted]' },
      {
        section: 'payment',
        path: 'payment.byMode',
        before: undefined,
        after: { mode: 'live', token: '[redacted]' },
      },
    ])
    expect(JSON.stringify([configuration.origins(), configuration.get('payment')])).not.toContain('hunter2')
    expect(await problemsOf(configuration.update('payment.apiKey', 'hunter2'))).toHaveLength(1)
  })
})
