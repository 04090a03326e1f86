export { bridgeOpenTelemetry } from './opentelemetry-bridge.ts'
