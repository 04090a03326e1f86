/** The backend of the page: what a browser needs and no other service offers. */
import { defineContract, subscription } from '@keelson/kernel'
import { http } from '@keelson/services'
import { Overview } from '../../documents/src/contract.ts'

export const Bff = defineContract('bff', '1.0.0', {
  progress: subscription(
    { summary: 'What is indexed, at once and on every change', output: Overview },
    http('GET /bff/progress'),
  ),
})
