import { defineErrors, type KeelsonError } from '@keelson/kernel'

const errors = defineErrors({
  BUSY: { kind: 'unavailable', retryable: true, when: 'In tests.', message: (_: object) => 'Busy' },
})

/** What may succeed when it is tried again. */
export function busy(): KeelsonError {
  return errors.BUSY({})
}
