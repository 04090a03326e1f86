// Fastify's hello world.
import fastify from 'fastify'

const app = fastify()
app.get('/health/live', async () => ({ status: 'ok' }))
await app.listen({ port: 0, host: '127.0.0.1' })
const { port } = app.server.address()
process.send({ readyMs: performance.now(), rssBytes: process.memoryUsage.rss(), url: `http://127.0.0.1:${port}` })
process.on('message', () => process.exit(0))
