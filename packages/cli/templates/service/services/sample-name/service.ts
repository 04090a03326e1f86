import { defineService } from '@keelson/services'
import { SampleName } from './contract.ts'

export const sampleName = defineService(SampleName, {
  start: () => ({
    describe: () => ({ text: 'sample-name answers' }),
  }),
})
