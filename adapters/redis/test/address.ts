/** An address that leads to one server and later to another, as a name does that is moved at a failover; or to none. */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

export class Address {
  readonly port: number
  readonly url: string
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #target: number | undefined

  private constructor(server: Server, port: number, target: number) {
    this.#server = server
    this.port = port
    this.url = `redis://127.0.0.1:${port}`
    this.#target = target
    server.on('connection', (socket) => this.#join(socket))
  }

  static async open(target: number): Promise<Address> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (typeof address !== 'object' || !address) throw new Error('no port')
    return new Address(server, address.port, target)
  }

  /** Cuts all connections; new ones lead to `target`, or are cut at once. */
  lead(target: number | undefined): void {
    this.#target = target
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    this.lead(undefined)
    this.#server.close()
    await once(this.#server, 'close')
  }

  #join(socket: Socket): void {
    this.#keep(socket)
    if (this.#target === undefined) {
      socket.destroy()
      return
    }
    const target = this.#keep(connect(this.#target, '127.0.0.1'))
    socket.pipe(target).pipe(socket)
    socket.once('close', () => target.destroy())
    target.once('close', () => socket.destroy())
  }

  #keep(socket: Socket): Socket {
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => this.#sockets.delete(socket))
    return socket
  }
}
