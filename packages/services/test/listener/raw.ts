/** A connection on which a test says what it likes. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export class RawConnection {
  readonly socket: Socket
  received = ''
  readonly closed: Promise<unknown>
  #changed = () => {}

  constructor(url: string) {
    const { hostname, port } = new URL(url)
    this.socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
    this.closed = once(this.socket, 'close')
    this.socket.on('error', () => {})
    this.socket.on('data', (data) => {
      this.received += data
      this.#changed()
    })
    this.socket.on('end', () => this.socket.end())
  }

  async opened(): Promise<this> {
    if (this.socket.connecting) await once(this.socket, 'connect')
    return this
  }

  send(...lines: string[]): void {
    this.socket.write(lines.join('\r\n'))
  }

  /** The head of a request for this machine; a body may follow. */
  request(head: string, ...headers: string[]): void {
    this.send(head, `Host: 127.0.0.1:${this.socket.remotePort}`, ...headers, '', '')
  }

  async until(found: RegExp): Promise<void> {
    while (!found.test(this.received)) {
      if (this.socket.closed) throw new Error(`closed before ${found}: ${this.received}`)
      await new Promise<void>((resolve) => {
        this.#changed = resolve
        void this.closed.then(() => resolve())
      })
    }
  }
}
