/**
 * W3C Trace Context (w3.org/TR/trace-context): what the headers `traceparent` and `tracestate` say, and how they are written. What cannot be
 * read is as good as absent, so that a caller's mistake never costs the call.
 */
import type { TraceContext } from '@keelson/kernel'

/** Version, trace id, span id, flags; a later version may have more behind them. */
const parentPattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/s
const sampledFlag = 1
const membersAtMost = 32
/** Both forms of a key, simple and `tenant@system`; its first character may be a digit since level 2. */
const memberPattern =
  /^([a-z0-9][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/

/**
 * The context that a caller sent. Undefined when `traceparent` is missing or malformed; a malformed `tracestate` alone is dropped. Headers
 * that came several times may be given as a list.
 */
export function parseTraceContext(
  traceparent: string | readonly string[] | undefined,
  tracestate?: string | readonly string[],
): TraceContext | undefined {
  const [, version, traceId = '', spanId = '', flags = '', more] =
    typeof traceparent === 'string' ? (parentPattern.exec(traceparent.trim()) ?? []) : []
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return undefined
  if (isZero(traceId) || isZero(spanId)) return undefined
  const isSampled = (Number.parseInt(flags, 16) & sampledFlag) === sampledFlag
  return { traceId, spanId, isSampled, traceState: parseTraceState(tracestate) }
}

/** The value of `traceparent` for a call made in `context`. */
export function traceparentOf({ traceId, spanId, isSampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-0${isSampled ? sampledFlag : 0}`
}

/** The headers of a call made in `context`: `traceparent`, and `tracestate` when there is one. None without a context. */
export function traceHeaders(context: TraceContext | undefined): Readonly<Record<string, string>> {
  if (context === undefined) return {}
  const traceparent = traceparentOf(context)
  return context.traceState === '' ? { traceparent } : { traceparent, tracestate: context.traceState }
}

/** The list as it is to be passed on, normalised; empty when any of it is malformed, as the specification asks. */
function parseTraceState(tracestate: string | readonly string[] | undefined): string {
  if (tracestate === undefined) return ''
  const text = typeof tracestate === 'string' ? tracestate : tracestate.join(',')
  const members = text
    .split(',')
    .map((member) => member.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((member) => member !== '')
  const keys = new Set(members.map((member) => member.slice(0, member.indexOf('='))))
  const isGood =
    members.length <= membersAtMost &&
    keys.size === members.length &&
    members.every((member) => memberPattern.test(member))
  return isGood ? members.join(',') : ''
}

function isZero(id: string): boolean {
  return /^0+$/.test(id)
}
