/**
 * Registers Keelson with `@opentelemetry/api`, the interface that instrumentations of libraries are written against. The current span is the
 * call's: entering a context of the API enters a call, so that both sides always see the same trace.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { currentCall, deriveCall, runInCall, type TraceContext } from '@keelson/kernel'
import { parseTraceContext, Span, type SpanKind, type Tracer, traceHeaders } from '@keelson/telemetry'
import {
  type Context,
  type ContextManager,
  context as contexts,
  INVALID_SPAN_CONTEXT,
  isSpanContextValid,
  type Span as OtelSpan,
  SpanKind as OtelSpanKind,
  type Tracer as OtelTracer,
  propagation,
  ROOT_CONTEXT,
  type SpanOptions,
  type TextMapPropagator,
  trace as traces,
} from '@opentelemetry/api'
import { attributesOf, monotonicOf, OpenTelemetrySpan, spanContextOf, traceContextOf } from './opentelemetry-span.ts'

/**
 * From now on the API records into `tracer` and knows its current span, until the returned function is called. Throws when somebody else
 * has registered with the API before.
 */
export function bridgeOpenTelemetry(tracer: Tracer): () => void {
  const provider = { getTracer: () => tracerOver(tracer) }
  if (!contexts.setGlobalContextManager(createContextManager()))
    throw new Error('Cannot bridge to OpenTelemetry: another context manager is registered with @opentelemetry/api')
  if (!traces.setGlobalTracerProvider(provider)) {
    contexts.disable()
    throw new Error('Cannot bridge to OpenTelemetry: another tracer provider is registered with @opentelemetry/api')
  }
  // Somebody else's says what it wants to say, and knows the current span all the same.
  const isPropagating = propagation.setGlobalPropagator(traceContextPropagator)
  return () => {
    if (isPropagating) propagation.disable()
    traces.disable()
    contexts.disable()
  }
}

/** W3C Trace Context, as Keelson's own edges write and read it. */
const traceContextPropagator: TextMapPropagator = {
  inject(context, carrier, setter) {
    const trace = traceOf(context)
    for (const [name, value] of Object.entries(trace ? traceHeaders(trace) : {})) setter.set(carrier, name, value)
  },
  extract(context, carrier, getter) {
    const found = parseTraceContext(getter.get(carrier, 'traceparent'), getter.get(carrier, 'tracestate'))
    return found ? traces.setSpanContext(context, spanContextOf(found)) : context
  },
  fields: () => ['traceparent', 'tracestate'],
}

/** One view per span, so that what is compared by identity is the same each time. */
const views = new WeakMap<Span, OpenTelemetrySpan>()

function viewOf(trace: TraceContext): OtelSpan {
  if (!(trace instanceof Span)) return traces.wrapSpanContext(spanContextOf(trace))
  const known = views.get(trace)
  if (known) return known
  const view = new OpenTelemetrySpan(trace)
  views.set(trace, view)
  return view
}

function createContextManager(): ContextManager {
  // What the API keeps in a context besides the span, such as baggage.
  const storage = new AsyncLocalStorage<Context>()
  const manager: ContextManager = {
    active() {
      const stored = storage.getStore() ?? ROOT_CONTEXT
      const { trace } = currentCall()
      if (trace === undefined) return stored
      const known = traces.getSpan(stored)
      const isSame = known?.spanContext().spanId === trace.spanId
      return isSame ? stored : traces.setSpan(stored, viewOf(trace))
    },
    with(context, work, thisArg, ...rest) {
      const run = () => storage.run(context, () => work.apply(thisArg as ThisParameterType<typeof work>, rest))
      const trace = traceOf(context)
      return trace === undefined ? run() : runInCall(deriveCall(currentCall(), { trace }), run)
    },
    bind(context, target) {
      if (typeof target !== 'function') return target
      // A function with the same parameters, this and result; the compiler knows T only as a whole.
      return function (this: unknown, ...rest: unknown[]) {
        return manager.with(context, () => target.apply(this, rest))
      } as typeof target
    },
    enable: () => manager,
    disable: () => {
      storage.disable()
      return manager
    },
  }
  return manager
}

function traceOf(context: Context): TraceContext | undefined {
  const span = traces.getSpan(context)
  if (span instanceof OpenTelemetrySpan) return span.inner
  const found = span?.spanContext()
  return found && isSpanContextValid(found) ? traceContextOf(found) : undefined
}

const kinds: Readonly<Record<OtelSpanKind, SpanKind>> = {
  [OtelSpanKind.INTERNAL]: 'internal',
  [OtelSpanKind.SERVER]: 'server',
  [OtelSpanKind.CLIENT]: 'client',
  [OtelSpanKind.PRODUCER]: 'producer',
  [OtelSpanKind.CONSUMER]: 'consumer',
}

function tracerOver(tracer: Tracer): OtelTracer {
  function startSpan(name: string, options: SpanOptions = {}, context: Context = contexts.active()): OtelSpan {
    const parent = options.root ? undefined : traceOf(context)
    const kind = kinds[options.kind ?? OtelSpanKind.INTERNAL]
    const span = tracer.begin(name, kind, parent, monotonicOf(options.startTime))
    if (!span) return traces.wrapSpanContext(parent ? spanContextOf(parent) : INVALID_SPAN_CONTEXT)
    for (const [key, value] of Object.entries(attributesOf(options.attributes ?? {}))) span.set(key, value)
    const view = new OpenTelemetrySpan(span)
    views.set(span, view)
    return view.addLinks(options.links ?? [])
  }
  // The API declares one overload for each of these: (name, work), (name, options, work), (name, options, context, work).
  function startActiveSpan(name: string, ...rest: unknown[]): unknown {
    const work = rest.at(-1) as (span: OtelSpan) => unknown
    const [options, context] = rest.slice(0, -1) as [SpanOptions?, Context?]
    const parent = context ?? contexts.active()
    const span = startSpan(name, options ?? {}, parent)
    return contexts.with(traces.setSpan(parent, span), () => work(span))
  }
  return { startSpan, startActiveSpan: startActiveSpan as OtelTracer['startActiveSpan'] }
}
