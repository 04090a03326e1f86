/** `keelson metrics`, `keelson trace` and `keelson logs`: what a running system has measured and logged. All need one that runs (exit code 3). */
import { isRecord } from '@keelson/kernel'
import type { LogRecord, SpanRecord, TraceSummary } from '@keelson/telemetry'
import { createConsoleLog, metricFormats } from '@keelson/telemetry'
import { type Command, Option } from 'commander'
import { cliErrors } from '../errors.ts'
import type { FoundSystem } from '../find-system.ts'
import { findRunning, type GlobalOptions } from '../target.ts'
import { createTerminal, type Terminal } from '../terminal.ts'

export function addMetricsCommand(program: Command, found: FoundSystem | undefined): void {
  program
    .command('metrics')
    .description('metrics of the running system')
    .addOption(new Option('--format <format>', 'how they are written').choices(metricFormats))
    .option('--trace-id <id>', 'one trace instead, as `keelson trace` shows it')
    .action(async (_: unknown, command: Command) => {
      const given: GlobalOptions & { format?: string; traceId?: string } = command.optsWithGlobals()
      if (given.traceId !== undefined) return showTrace(found, given, given.traceId)
      const format = given.format ?? (given.json ? 'json' : 'prometheus')
      const text = await (await findRunning(found, given)).readText(`/system/metrics?format=${format}`)
      createTerminal(given.json === true).print(text.trimEnd())
    })
}

export function addTraceCommand(program: Command, found: FoundSystem | undefined): void {
  program
    .command('trace [id]')
    .description('one trace of the running system, or the last ones')
    .option('--failed', 'of the last ones, only those with an error')
    .option('--slow <ms>', 'of the last ones, only those that took so long')
    .action(async (id: string | undefined, _: unknown, command: Command) => {
      const given: GlobalOptions & { failed?: boolean; slow?: string } = command.optsWithGlobals()
      if (id === undefined) await listTraces(found, given)
      else await showTrace(found, given, id)
    })
}

export function addLogsCommand(program: Command, found: FoundSystem | undefined): void {
  program
    .command('logs')
    .description('the last log records of the running system')
    .option('--follow', 'what is logged from now on, until Ctrl-C')
    .action(async (_: unknown, command: Command) => {
      const given: GlobalOptions & { follow?: boolean } = command.optsWithGlobals()
      const client = await findRunning(found, given)
      const terminal = createTerminal(given.json === true)
      if (!given.follow) {
        const answer = await client.read('/system/logs')
        const records = isRecord(answer) && Array.isArray(answer['records']) ? answer['records'] : []
        if (terminal.isJson) terminal.printJson({ records })
        else for (const record of records) printRecord(record)
        return
      }
      const ended = new AbortController()
      process.once('SIGINT', () => ended.abort()).once('SIGTERM', () => ended.abort())
      process.stdout.once('error', () => ended.abort())
      try {
        for await (const record of client.follow('/system/logs?follow=true', ended.signal)) {
          if (terminal.isJson) terminal.printJson(record)
          else printRecord(record)
        }
      } catch (error) {
        if (!ended.signal.aborted) throw error
      }
    })
}

/** As the system's own terminal shows it, with the time it was logged. */
function printRecord(value: unknown): void {
  // `/system/logs` answers with LogRecords.
  const { time, level, message, fields } = value as LogRecord
  const clock = { now: () => time, monotonic: () => 0, sleep: async () => {} }
  createConsoleLog({ level: 'debug', stream: process.stdout, clock })[level](message, fields)
}

async function listTraces(
  found: FoundSystem | undefined,
  given: GlobalOptions & { failed?: boolean; slow?: string },
): Promise<void> {
  const query = new URLSearchParams()
  if (given.failed) query.set('failedOnly', 'true')
  if (given.slow !== undefined) {
    if (!/^\d+(\.\d+)?$/.test(given.slow))
      throw cliErrors.COMMAND_INVALID({ reason: `--slow takes milliseconds, not "${given.slow}"` })
    query.set('atLeastMs', given.slow)
  }
  const answer = await (await findRunning(found, given)).read(`/system/traces?${query}`)
  // `/system/traces` answers with summaries; findRunning has just recognised the system.
  const traces = (isRecord(answer) ? answer['traces'] : []) as TraceSummary[]
  const terminal = createTerminal(given.json === true)
  if (terminal.isJson) terminal.printJson({ traces })
  else if (traces.length === 0) terminal.note('No trace is kept. The share that is recorded is telemetry.sampling.')
  for (const { traceId, name, startMs, durationMs, spans, hasFailed } of terminal.isJson ? [] : traces) {
    const time = new Date(startMs).toISOString().slice(11, 23)
    const count = spans === 1 ? '1 span' : `${spans} spans`
    terminal.print(
      `${traceId}  ${time}  ${inMs(durationMs)}  ${terminal.bold(name)}  ${terminal.dim(count)}${hasFailed ? '  failed' : ''}`,
    )
  }
}

async function showTrace(found: FoundSystem | undefined, given: GlobalOptions, id: string): Promise<void> {
  const text = await (await findRunning(found, given)).readText(`/system/traces/${encodeURIComponent(id)}`)
  // `/system/traces/<id>` answers with the spans of the trace.
  const { spans } = JSON.parse(text) as { spans: SpanRecord[] }
  const terminal = createTerminal(given.json === true)
  if (terminal.isJson) terminal.printJson({ traceId: id, spans })
  else for (const line of tree(spans, terminal)) terminal.print(line)
}

/** Spans under their parents; one whose parent is elsewhere stands at the left. */
function tree(spans: readonly SpanRecord[], terminal: Terminal): string[] {
  const known = new Set(spans.map(({ spanId }) => spanId))
  const startMs = Math.min(...spans.map((span) => span.startMs))
  const linesUnder = (parent: string | undefined, depth: number): string[] =>
    spans
      .filter(({ parentSpanId }) => (parent === undefined ? !known.has(parentSpanId) : parentSpanId === parent))
      .flatMap((span) => [line(span, depth), ...linesUnder(span.spanId, depth + 1)])
  const line = (span: SpanRecord, depth: number) => {
    const at = terminal.dim(`+${inMs(span.startMs - startMs)}`)
    const failure = span.status === 'error' ? `  failed: ${span.statusMessage.split('\n')[0]}` : ''
    return `${at}  ${inMs(span.durationMs)}  ${'  '.repeat(depth)}${terminal.bold(span.name)}  ${terminal.dim(span.kind)}${failure}`
  }
  return linesUnder(undefined, 0)
}

function inMs(ms: number): string {
  return `${ms.toFixed(2)} ms`.padStart(12)
}
