/** The headers in which a request carries what belongs to its call, beside its trace. */
import { type Clock, isKeyText, kernelErrors } from '@keelson/kernel'
import type { Arrival } from './arrival.ts'

/** How long the caller waits yet, in whole milliseconds, as our own clients say. */
export const timeLeftHeader = 'x-keelson-time-left-ms'

/** Sent by a process of ours that has run what protects its caller, and wants here only what protects the service. */
export const peerHeader = 'x-keelson-peer'

type Carrying = Pick<Arrival, 'header'>

/** The caller's, when it is sane; a new one otherwise. */
export function correlationIdOf(request: Carrying): string {
  const given = request.header('x-correlation-id')
  return given !== undefined && /^[\w.:-]{1,128}$/.test(given) ? given : crypto.randomUUID()
}

/** A key that is not one must not pass for none: its sender relies on it. One that is sent twice comes as a list. */
export function idempotencyKeyOf(request: Carrying): string | undefined {
  const key = request.header('idempotency-key')
  if (key !== undefined && !isKeyText(key)) throw kernelErrors.IDEMPOTENCY_KEY_INVALID({ key: key.slice(0, 100) })
  return key
}

export function isFromPeer(request: Carrying): boolean {
  return request.header(peerHeader) === '1'
}

/** On the clock of this process: those of two processes differ, so it is the time left that travels. */
export function deadlineOf(request: Carrying, clock: Clock): number | undefined {
  const left = request.header(timeLeftHeader)
  return left !== undefined && /^\d{1,15}$/.test(left) ? clock.monotonic() + Number(left) : undefined
}
