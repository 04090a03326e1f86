/** What configuration may say of policies: the settings of each, or `false` to turn it off. What it leaves out stays as it is. */
import * as z from 'zod'
import { policies } from './policies/policies.ts'

type Policies = typeof policies
/** The policies that have settings. */
type Configurable = {
  [Name in keyof Policies]: Policies[Name]['schema'] extends undefined ? never : Name
}[keyof Policies]
type SchemaOf<Name extends Configurable> = NonNullable<Policies[Name]['schema']>

const off = z.literal(false)

const shape = Object.fromEntries(
  Object.entries(policies).flatMap(([name, { schema }]) =>
    schema === undefined ? [] : [[name, z.union([off, schema]).optional()]],
  ),
)

/** The settings of one operation. */
const PolicySettings = z.strictObject(
  // The loop above makes one schema for each policy that has one.
  shape as unknown as { readonly [Name in Configurable]: z.ZodOptional<z.ZodUnion<[typeof off, SchemaOf<Name>]>> },
)
export type PolicySettings = z.infer<typeof PolicySettings>

/** The section `policies`: what contracts leave open, and over the contracts what is said of a service and of its operations. */
export const PoliciesConfig = z
  .strictObject({
    chaosAllowed: z.boolean().default(false).describe('Chaos strikes only where this is true'),
    defaults: PolicySettings.default({}).describe('For every operation, below what its contract says'),
    services: z
      .record(z.string(), PolicySettings.extend({ operations: z.record(z.string(), PolicySettings).optional() }))
      .default({})
      .describe("By service, over its contract; `operations` by operation, over the service's"),
  })
  .prefault({})
export type PoliciesConfig = z.infer<typeof PoliciesConfig>
