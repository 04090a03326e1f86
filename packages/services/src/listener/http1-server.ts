/**
 * The server of HTTP/1.1 under a listener: it owns the port and its connections, so that closing can tell idle ones, which end at once, from
 * those with a request that was accepted, which end with its answer.
 */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { servicesErrors } from '../errors.ts'
import { Http1Request } from './http1-request.ts'
import { problemOf } from './problem.ts'

export interface Http1Server {
  readonly port: number
  /**
   * Takes no new connection or request, and resolves when the last accepted one is answered. When `cut` aborts, what is left is broken off;
   * resolves with how many requests and other connections that were.
   */
  close(cut: AbortSignal | undefined): Promise<Remainder>
}

export interface Remainder {
  readonly requests: number
  /** Connections that were open without a request that was accepted. */
  readonly connections: number
}

const maxHeaderBytes = 128 * 1024

/** Rejects with LISTENER_PORT_TAKEN or LISTENER_PORT_UNUSABLE. */
export async function openHttp1Server(
  { host, port }: { readonly host: string; readonly port: number },
  accept: (request: Http1Request) => void,
): Promise<Http1Server> {
  /** Requests that were accepted and not yet answered, by connection, in their order. */
  const connections = new Map<Socket, Set<Http1Request>>()
  /** Those on which nothing more can be read. */
  const unreadable = new WeakSet<Socket>()
  let isClosing = false

  const take = (mustContinue: boolean) => (message: IncomingMessage, response: ServerResponse) => {
    const { socket } = message
    const request = new Http1Request(message, response, mustContinue)
    const accepted = connections.get(socket)
    // What was sent behind a request that is being answered was not accepted yet.
    if (isClosing || !accepted) {
      refuseWhileClosing(request)
      return
    }
    accepted.add(request)
    request.onClosed(() => {
      accepted.delete(request)
      if ((isClosing || unreadable.has(socket)) && accepted.size === 0) socket.destroySoon()
    })
    accept(request)
  }
  // A missing Host is refused by the listener: Node's own answer has no body. No header may be dropped unseen: some are reasons to refuse.
  const server = createServer({ maxHeaderSize: maxHeaderBytes, keepAliveTimeout: 5_000, requireHostHeader: false })
  server.maxHeadersCount = 0
  server.on('request', take(false))
  server.on('checkContinue', take(true))
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const accepted = [...(connections.get(socket) ?? [])]
    unreadable.add(socket)
    // The answers of requests that came whole are not lost by what follows them.
    if (accepted.length > 0 && accepted.every(({ isComplete }) => isComplete)) accepted.at(-1)?.isLast()
    else if (accepted.length > 1 || accepted.some(({ isAnswered }) => isAnswered)) socket.destroy()
    else refuseUnreadable(error, socket)
  })
  server.on('connection', (socket: Socket) => {
    connections.set(socket, new Set())
    socket.once('close', () => connections.delete(socket))
    if (isClosing) socket.destroy()
  })

  const listening = await new Promise<number>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') reject(servicesErrors.LISTENER_PORT_TAKEN({ host, port }, { cause: error }))
      else reject(servicesErrors.LISTENER_PORT_UNUSABLE({ host, port, reason: error.message }, { cause: error }))
    })
    server.listen({ host, port }, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : port)
    })
  })

  return {
    port: listening,
    async close(cut) {
      isClosing = true
      const done = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const [socket, accepted] of connections) {
        const last = [...accepted].at(-1)
        if (last) last.isLast()
        else socket.destroySoon()
      }
      const cutOff = { requests: 0, connections: 0 }
      const breakOff = () => {
        for (const [socket, accepted] of connections) {
          cutOff.requests += accepted.size
          if (accepted.size === 0) cutOff.connections++
          socket.destroy()
        }
      }
      if (cut?.aborted) breakOff()
      else cut?.addEventListener('abort', breakOff, { once: true })
      await done
      cut?.removeEventListener('abort', breakOff)
      return cutOff
    },
  }
}

function refuseWhileClosing(request: Http1Request): void {
  const problem = problemOf(servicesErrors.LISTENER_CLOSING({}), randomUUID())
  const headers = { 'content-type': 'application/problem+json; charset=utf-8', connection: 'close', 'retry-after': '1' }
  request.answer(problem.status, headers, JSON.stringify(problem))
}

/** Gives what is not HTTP, comes too slowly or has headers beyond all measure an answer in the same form as every other error. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const [status, words, named] = refusalOf(error)
  const body = JSON.stringify({ ...problemOf(named, randomUUID()), status })
  socket.end(
    `HTTP/1.1 ${status} ${words}\r\ncontent-type: application/problem+json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}

function refusalOf({ code }: NodeJS.ErrnoException) {
  if (code === 'HPE_HEADER_OVERFLOW') {
    const named = servicesErrors.REQUEST_TOO_LARGE({ limitBytes: maxHeaderBytes })
    return [431, 'Request Header Fields Too Large', named] as const
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return [408, 'Request Timeout', servicesErrors.REQUEST_MALFORMED({ reason: 'it took too long to arrive' })] as const
  return [400, 'Bad Request', servicesErrors.REQUEST_MALFORMED({ reason: 'it is not HTTP/1.1' })] as const
}
