import { defineSystem } from '@keelson/services'
import { page } from './page/page.ts'
import { greetings } from './services/greetings/service.ts'
import { visits } from './services/visits/service.ts'

export default defineSystem({ name: 'first-system', services: [greetings, visits, page] })
