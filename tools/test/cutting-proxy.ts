/** A proxy in front of PostgreSQL that loses an answer on request, and with it the connection: what was asked for has been done, and nobody was told. */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

export interface CuttingProxy {
  /** The address of what is behind it, by way of it. */
  readonly url: string
  /** How many answers it has lost. */
  cuts: number
  /** Loses the answer to the next request that has all these texts in it. */
  cutAnswerTo(...texts: readonly string[]): void
  close(): Promise<void>
}

export async function startCuttingProxy(behind: string): Promise<CuttingProxy> {
  let wanted: readonly string[] | undefined
  const sockets = new Set<Socket>()
  const server: Server = createServer((client) => {
    const upstream = connect(Number(new URL(behind).port), '127.0.0.1')
    let isDoomed = false
    client.on('data', (data) => {
      if (wanted?.every((text) => data.includes(text))) {
        wanted = undefined
        isDoomed = true
      }
      upstream.write(data)
    })
    upstream.on('data', (data) => {
      if (!isDoomed) {
        client.write(data)
        return
      }
      // The server answers after its commit.
      proxy.cuts += 1
      isDoomed = false
      client.destroy()
      upstream.destroy()
    })
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        client.destroy()
        upstream.destroy()
      })
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const proxy: CuttingProxy = {
    url: behind.replace(/:\d+\//, `:${port}/`),
    cuts: 0,
    cutAnswerTo: (...texts) => {
      wanted = texts
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
  return proxy
}
