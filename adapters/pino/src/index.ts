export { pino } from './pino-adapter.ts'
export { createPinoLog, type PinoLogOptions } from './pino-log.ts'
