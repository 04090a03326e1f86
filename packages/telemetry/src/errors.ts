/** Every code of telemetry. All are raised while something is set up: writing a record or counting never fails. */
import { defineErrors } from '@keelson/kernel'

export const telemetryErrors = defineErrors({
  TELEMETRY_LOG_LEVEL_UNKNOWN: {
    kind: 'invalid',
    when: 'A log is created with a level that is none of debug, info, warn, error and fatal.',
    message: (d: { level: string; levels: readonly string[] }) =>
      `Cannot log from the level "${d.level}": it is none of ${d.levels.join(', ')}`,
  },
  TELEMETRY_LOG_DESTINATION_UNUSABLE: {
    kind: 'unavailable',
    when: 'The file that logs go to cannot be opened for writing.',
    message: (d: { destination: string; reason: string }) => `Cannot write logs to "${d.destination}": ${d.reason}`,
  },
  TELEMETRY_METRIC_INVALID: {
    kind: 'invalid',
    when: 'A metric is defined with a name, help, label name or buckets that Prometheus would refuse or misread.',
    message: (d: { metric: string; reason: string }) => `Cannot define the metric "${d.metric}": ${d.reason}`,
  },
  TELEMETRY_METRIC_CONFLICT: {
    kind: 'conflict',
    when: 'A metric is defined again under the same name with another type, unit, buckets or labels.',
    message: (d: { metric: string; known: string; given: string }) =>
      `Cannot define the metric "${d.metric}" as ${d.given}: it is known as ${d.known}`,
  },
  TELEMETRY_METRIC_LABELS_WRONG: {
    kind: 'invalid',
    when: 'A cell is asked for with other label names than its metric was defined with.',
    message: (d: { metric: string; expected: readonly string[]; given: readonly string[] }) =>
      `Cannot bind a cell of "${d.metric}": its labels are [${d.expected.join(', ')}], given [${d.given.join(', ')}]`,
  },
  TELEMETRY_FORMAT_UNKNOWN: {
    kind: 'invalid',
    when: 'Metrics are asked for in a format that is none of prometheus, json and csv.',
    message: (d: { format: string; formats: readonly string[] }) =>
      `Cannot export metrics as "${d.format}": it is none of ${d.formats.join(', ')}`,
  },
  TELEMETRY_ENDPOINT_INVALID: {
    kind: 'invalid',
    when: 'The address of the OTLP collector is no http or https URL.',
    message: (d: { endpoint: string }) =>
      `Cannot send telemetry to "${d.endpoint}": it is no http or https address, such as http://127.0.0.1:4318`,
  },
})
