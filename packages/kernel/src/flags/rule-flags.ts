/** Flags from rules that somebody else keeps, such as the configuration: asked anew each time, so that a reload needs no news. */
import type { FlagEvaluator } from './flag-evaluator.ts'

/** On, off, or on for some: the subjects named, and beside them a share from 0 to 1 of all. Without a subject, a share counts as off. */
export type FlagRule =
  | boolean
  | { readonly subjects?: readonly string[] | undefined; readonly share?: number | undefined }

/** Answers from `rules()`. */
export function createRuleFlags(rules: () => Readonly<Record<string, FlagRule>>): FlagEvaluator {
  return {
    isEnabled(flag, subject) {
      const current = rules()
      const rule = Object.hasOwn(current, flag) ? current[flag] : undefined
      if (rule === undefined || typeof rule === 'boolean') return rule === true
      if (subject === undefined) return (rule.share ?? 0) >= 1
      return (rule.subjects?.includes(subject) ?? false) || placeOf(flag, subject) < (rule.share ?? 0)
    },
  }
}

/**
 * Where a subject stands between 0 and 1 for one flag, the same everywhere: the 32-bit FNV-1a hash of both (Fowler, Noll and Vo), mixed once
 * more so that names that differ at their end only are spread too.
 */
function placeOf(flag: string, subject: string): number {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(`${flag}\0${subject}`)) hash = Math.imul(hash ^ byte, 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}
