/** Flags from rules that somebody else keeps, such as the configuration: asked anew each time, so that a reload needs no news. */
import type { FlagEvaluator } from './flag-evaluator.ts'

/**
 * On, off, or on for some: the tenants and the subjects (of whatever tenant) named, and beside them a share from 0 to 1 of all subjects (of all tenants, where
 * no subject is known). Where neither is known, a share counts as off.
 */
export type FlagRule =
  | boolean
  | {
      readonly tenants?: readonly string[] | undefined
      readonly subjects?: readonly string[] | undefined
      readonly share?: number | undefined
    }

/** Answers from `rules()`. */
export function createRuleFlags(rules: () => Readonly<Record<string, FlagRule>>): FlagEvaluator {
  return {
    isEnabled(flag, { subject, tenant } = {}) {
      const current = rules()
      const rule = Object.hasOwn(current, flag) ? current[flag] : undefined
      if (rule === undefined || typeof rule === 'boolean') return rule === true
      const { tenants = [], subjects = [], share = 0 } = rule
      if (tenant !== undefined && tenants.includes(tenant)) return true
      if (subject !== undefined && subjects.includes(subject)) return true
      if (subject === undefined && tenant === undefined) return share >= 1
      // Without a tenant the place is that of the subject alone, so that it stays when tenants come.
      return placeOf(flag, tenant === undefined ? (subject ?? '') : JSON.stringify([tenant, subject])) < share
    },
  }
}

/**
 * Where a target stands between 0 and 1 for one flag, the same everywhere: the 32-bit FNV-1a hash of both (Fowler, Noll and Vo), mixed once
 * more so that names that differ at their end only are spread too.
 */
function placeOf(flag: string, target: string): number {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(`${flag}\0${target}`)) hash = Math.imul(hash ^ byte, 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}
