/** What every running system answers beside its services: health, metrics, OpenAPI and its reference page. */
import { type HealthReport, type HealthStatus, worstOf } from '@keelson/kernel'
import { answerToScrape, type Metrics } from '@keelson/telemetry'
import { answerJson, answerText } from '../listener/exchange.ts'
import type { Listener } from '../listener/listener.ts'
import type { Registry } from '../registry/registry.ts'
import { openApiOf } from '../rest/openapi/openapi.ts'
import { referencePage } from '../rest/openapi/reference-page.ts'
import { serviceNames } from '../service/service-names.ts'
import type { EventLoopDelay } from './event-loop-delay.ts'
import type { System } from './system.ts'
import type { SystemListeners } from './system-listeners.ts'

/** The health of a system: its status is the worst of all. */
export interface SystemHealth {
  readonly status: HealthStatus
  readonly services: Readonly<Record<string, HealthReport>>
  /** Of those that have been started. */
  readonly adapters: Readonly<Record<string, HealthReport>>
}

export async function systemHealth(registry: Registry): Promise<SystemHealth> {
  const reports = await Promise.all(
    [...registry.hosts()].map(async (host) => [host.name, await host.health()] as const),
  )
  const adapters = await registry.adapterHealth()
  const all = [...reports.map(([, report]) => report), ...Object.values(adapters)]
  return { status: worstOf(all.map(({ status }) => status)), services: Object.fromEntries(reports), adapters }
}

export interface Progress {
  readonly hasStarted: () => boolean
  readonly isClosing: () => boolean
  readonly delay: EventLoopDelay
}

/** Health is answered on every listener, since whoever watches over a process may reach only one of them. */
export function addSystemRoutes(
  { services, administration, commands }: Pick<SystemListeners, 'services' | 'administration' | 'commands'>,
  system: System,
  registry: Registry,
  metrics: Metrics,
  progress: Progress,
): void {
  for (const listener of new Set([services, administration])) addHealthRoutes(listener, registry, progress)
  administration.route('GET', '/metrics', (exchange) => {
    const { contentType, text } = answerToScrape(metrics, exchange.header('accept'))
    answerText(exchange, 200, contentType, text, { vary: 'accept' })
  })
  addReferenceRoutes(services, system)
  // A running system says this of itself to `keelson services`.
  commands?.route('GET', '/system', (exchange) =>
    answerJson(exchange, 200, { name: system.name, services: registry.list(), adapters: registry.adapters() }),
  )
  commands?.route('GET', '/system/policies', (exchange) => {
    const reports = [...registry.hosts()].map((host) => [host.name, host.policies()] as const)
    answerJson(exchange, 200, Object.fromEntries(reports))
  })
}

function addHealthRoutes(listener: Listener, registry: Registry, { hasStarted, isClosing, delay }: Progress): void {
  listener.route('GET', '/health/live', (exchange) => {
    const health = delay.read()
    answerJson(exchange, health.status === 'failed' ? 503 : 200, health)
  })
  listener.route('GET', '/health/startup', (exchange) =>
    answerJson(exchange, hasStarted() ? 200 : 503, { status: hasStarted() ? 'ok' : 'starting' }),
  )
  listener.route('GET', '/health/ready', async (exchange) => {
    const isReady = hasStarted() && !isClosing()
    const health = isReady ? await systemHealth(registry) : { status: 'failed', services: {}, adapters: {} }
    // What checks say has names and addresses, which are for whoever runs the system.
    const shown = listener.exposure === 'public' ? { status: health.status } : health
    answerJson(exchange, health.status === 'failed' ? 503 : 200, shown)
  })
}

function addReferenceRoutes(listener: Listener, system: System): void {
  const contracts = [...serviceNames(system.services)]
    .filter(([{ isRemote }]) => !isRemote)
    .map(([{ contract }, name]) => ({ ...contract, name }))
  listener.route('GET', '/openapi.json', (exchange) =>
    answerJson(exchange, 200, openApiOf({ title: system.name, version: system.version }, contracts, listener.url)),
  )
  const page = referencePage()
  const policy = { 'content-security-policy': "default-src 'self'; img-src data:" }
  listener.route('GET', '/docs', (exchange) => answerText(exchange, 200, 'text/html; charset=utf-8', page.html, policy))
  listener.route('GET', '/docs/reference.css', (exchange) =>
    answerText(exchange, 200, 'text/css; charset=utf-8', page.css),
  )
  listener.route('GET', '/docs/reference.js', (exchange) =>
    answerText(exchange, 200, 'text/javascript; charset=utf-8', page.script),
  )
}
