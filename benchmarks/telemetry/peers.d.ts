/** What is used of the peers: they are installed only when the benchmark is run, and the check must not depend on that. */
declare module 'prom-client' {
  export class Registry {
    metrics(): Promise<string>
  }
  interface Options {
    readonly name: string
    readonly help: string
    readonly labelNames: readonly string[]
    readonly registers: readonly Registry[]
    readonly buckets?: readonly number[]
  }
  export class Counter {
    constructor(options: Options)
    inc(labels: Readonly<Record<string, string>>, by?: number): void
    labels(labels: Readonly<Record<string, string>>): { inc(): void }
  }
  export class Histogram {
    constructor(options: Options)
    observe(labels: Readonly<Record<string, string>>, value: number): void
  }
}
declare module '@opentelemetry/sdk-trace-base' {
  export interface ReadableSpan {
    readonly name: string
  }
  interface SdkSpan {
    setAttribute(key: string, value: string | number): void
    end(): void
  }
  interface Processor {
    onStart(): void
    onEnd(span: ReadableSpan): void
    forceFlush(): Promise<void>
    shutdown(): Promise<void>
  }
  export class AlwaysOffSampler {}
  export class BasicTracerProvider {
    constructor(options: { readonly sampler?: AlwaysOffSampler; readonly spanProcessors: readonly Processor[] })
    getTracer(name: string): { startSpan(name: string): SdkSpan }
  }
}
declare module '@opentelemetry/otlp-transformer' {
  export const JsonTraceSerializer: { serializeRequest(spans: readonly unknown[]): Uint8Array | undefined }
}
