export { logConformance, type OpenedLog, type OpenLog, type WrittenRecord } from './log/log.conformance.ts'
