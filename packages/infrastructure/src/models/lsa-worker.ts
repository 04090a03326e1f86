/** Fits LSA in a thread of its own, on texts that arrive in batches. Started by `fitLsaInWorker` only. */
import { parentPort } from 'node:worker_threads'
import { isError, reasonOf } from '@keelson/kernel'
import { fitLsa, type LsaOptions } from './lsa-model.ts'

/** To the worker: the options first, then the texts, then their end. */
export type LsaWorkerRequest =
  | { readonly options: Omit<LsaOptions, 'signal'> }
  | { readonly texts: readonly string[] }
  | { readonly end: true }

/** From the worker: it wants more texts, or it is done. */
export type LsaWorkerAnswer =
  | { readonly more: true }
  | { readonly bytes: Uint8Array }
  | { readonly refused: { readonly code: string | undefined; readonly message: string; readonly details: object } }

if (parentPort) serve(parentPort)

function serve(port: NonNullable<typeof parentPort>): void {
  const answer = (message: LsaWorkerAnswer) => port.postMessage(message)
  const batches: (readonly string[] | undefined)[] = []
  let arrived = Promise.withResolvers<void>()
  async function* corpus(): AsyncGenerator<string> {
    for (;;) {
      if (batches.length === 0) {
        answer({ more: true })
        await arrived.promise
      }
      arrived = Promise.withResolvers()
      const batch = batches.shift()
      if (!batch) return
      yield* batch
    }
  }
  port.on('message', (request: LsaWorkerRequest) => {
    if ('options' in request) {
      void fit(request.options).then(answer)
      return
    }
    batches.push('texts' in request ? request.texts : undefined)
    arrived.resolve()
  })

  async function fit(options: Omit<LsaOptions, 'signal'>): Promise<LsaWorkerAnswer> {
    try {
      return { bytes: (await fitLsa(corpus(), options)).toBytes() }
    } catch (error) {
      const message = reasonOf(error)
      return {
        refused: {
          code: isError(error) ? error.code : undefined,
          message,
          details: isError(error) ? error.details : {},
        },
      }
    }
  }
}
