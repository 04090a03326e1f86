/**
 * A text that must not leak: whatever prints it (a log, JSON, a template, the inspector) shows `[redacted]`, and only `reveal()`, which is
 * easy to search for, gives it away. A schema marks it by its JSON Schema, so that the configuration knows it before it is validated.
 */
import type { Schema } from '../schema/schema.ts'

/** What is shown in place of a secret. */
export const redacted = '[redacted]'

const brand = Symbol.for('keelson.secret')

/**
 * A value that shows itself as `[redacted]` in `String()`, `JSON.stringify`, `util.inspect` and logs.
 *
 * @example
 * const Config = z.object({ apiKey: z.string().min(20).meta(Secret.meta).transform(Secret.of) })
 * // in the service: connect(config.apiKey.reveal())
 */
export class Secret<Value = string> {
  /** What marks a secret in JSON Schema, for a validator's metadata. */
  static readonly meta = { format: 'password', writeOnly: true } as const

  readonly #value: Value
  readonly [brand] = true

  private constructor(value: Value) {
    this.#value = value
  }

  /** Wraps a text; needs no `this`, so that it can be handed to a validator's transform. */
  static of(text: string): Secret {
    return new Secret(text)
  }

  /** The value itself. */
  reveal(): Value {
    return this.#value
  }

  toString(): string {
    return redacted
  }

  toJSON(): string {
    return redacted
  }

  /** Node's inspector asks for this. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return redacted
  }
}

/** A secret of its own as a Standard Schema, for validators that can hold one: a text that is not empty becomes a `Secret`. */
export function secret(): Schema<string, Secret> {
  const jsonSchema = () => ({ type: 'string', minLength: 1, ...Secret.meta })
  return {
    '~standard': {
      version: 1,
      vendor: 'keelson',
      validate: (value) =>
        typeof value === 'string' && value !== ''
          ? { value: Secret.of(value) }
          : { issues: [{ message: 'a secret text is needed' }] },
      jsonSchema: { input: jsonSchema, output: jsonSchema },
    },
  }
}

/** True for a `Secret` of any install of this package. */
export function isSecret(value: unknown): value is Secret<unknown> {
  return typeof value === 'object' && value !== null && brand in value
}
