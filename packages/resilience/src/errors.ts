/** Every code of resilience. Those that refuse a call are retryable: the same call may succeed later. */
import { defineErrors } from '@keelson/kernel'

export const resilienceErrors = defineErrors({
  DEADLINE_EXCEEDED: {
    kind: 'timeout',
    retryable: true,
    when: "A call did not answer within its deadline, or its caller's deadline had passed before it began.",
    message: (d: { operation: string; waitedMs: number }) =>
      `Cannot answer ${d.operation}: its deadline passed after ${d.waitedMs} ms`,
  },
  CIRCUIT_OPEN: {
    kind: 'unavailable',
    retryable: true,
    when: 'An operation failed so often of late that it is given time to recover; calls are refused meanwhile.',
    message: (d: { operation: string; retryAfterMs: number }) =>
      `Cannot call ${d.operation}: its circuit breaker is open for another ${d.retryAfterMs} ms`,
  },
  BULKHEAD_FULL: {
    kind: 'unavailable',
    retryable: true,
    when: 'As many calls of an operation run, and wait, as its bulkhead admits.',
    message: (d: { operation: string; running: number; waiting: number }) =>
      `Cannot call ${d.operation}: ${d.running} calls run and ${d.waiting} wait, which is all its bulkhead admits`,
  },
  RATE_LIMITED: {
    kind: 'rate-limited',
    retryable: true,
    when: 'More calls of an operation came than its rate limit allows.',
    message: (d: { operation: string; retryAfterMs: number }) =>
      `Cannot call ${d.operation}: its rate limit is used up for another ${d.retryAfterMs} ms`,
  },
  OPERATION_DISABLED: {
    kind: 'unavailable',
    when: 'An operation stands behind a feature flag that is off for the caller.',
    message: (d: { operation: string; flag: string }) => `Cannot call ${d.operation}: the flag "${d.flag}" is off`,
  },
  CALL_CANCELLED: {
    kind: 'cancelled',
    when: 'The caller gave up, or the call was given up for another, before there was an answer.',
    message: (d: { operation: string }) => `Cannot finish ${d.operation}: its caller no longer waits`,
  },
  CALL_IN_PROGRESS: {
    kind: 'conflict',
    retryable: true,
    when: 'A command came again under its idempotency key while the first call of it still runs.',
    message: (d: { operation: string; retryAfterMs: number }) =>
      `Cannot repeat ${d.operation}: the first call under its idempotency key still runs`,
  },
  IDEMPOTENCY_KEY_REUSED: {
    kind: 'conflict',
    when: 'A command came under an idempotency key that another input of the same operation came under before.',
    message: (d: { operation: string }) =>
      `Cannot run ${d.operation}: its idempotency key was used for another input before`,
  },
  IDEMPOTENCY_ANSWER_LOST: {
    kind: 'conflict',
    when: 'A command came again under its idempotency key. It took effect, but its answer was too large to be kept.',
    message: (d: { operation: string; bytes: number }) =>
      `Cannot answer ${d.operation} again: it took effect, but its answer of ${d.bytes} bytes was too large to keep`,
  },
  IDEMPOTENCY_INPUT_UNUSABLE: {
    kind: 'internal',
    when: 'A command came under an idempotency key with an input that cannot be told apart as text: a function, an object with private fields.',
    message: (d: { operation: string; path: string; found: string }) =>
      `Cannot run ${d.operation} under an idempotency key: its input holds ${d.found}${d.path === '' ? '' : ` at "${d.path}"`}`,
  },
  IDEMPOTENCY_STORE_UNREACHABLE: {
    kind: 'unavailable',
    retryable: true,
    when: 'A command came under an idempotency key, and nobody can say whether it took effect before: the store of keys does not answer.',
    message: (d: { operation: string }) => `Cannot run ${d.operation}: the store of idempotency keys cannot be reached`,
  },
  CHAOS_INJECTED: {
    kind: 'unavailable',
    retryable: true,
    when: 'Chaos is allowed by configuration and made this call fail.',
    message: (d: { operation: string }) => `Cannot call ${d.operation}: chaos made it fail`,
  },
  CACHE_KEY_UNUSABLE: {
    kind: 'internal',
    when: 'A cached operation is asked with an input, or its `by` gives a value, that holds what cannot be told apart as text: a function, an object with private fields.',
    message: (d: { operation: string; path: string; found: string }) =>
      `Cannot look up a kept answer of ${d.operation}: its key holds ${d.found}${d.path === '' ? '' : ` at "${d.path}"`}`,
  },
  CACHE_ANSWER_UNUSABLE: {
    kind: 'internal',
    when: 'The answer of a cached operation holds what cannot be copied, such as a function.',
    message: (d: { operation: string }) => `Cannot keep an answer of ${d.operation}: it holds what cannot be copied`,
  },
  POLICY_INVALID: {
    kind: 'invalid',
    when: 'A policy is given settings that make no sense: a duration that is none, a limit below one.',
    message: (d: { policy: string; problems: readonly { readonly path: string; readonly message: string }[] }) =>
      `Cannot use the policy "${d.policy}": ${d.problems.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ')}`,
  },
})
