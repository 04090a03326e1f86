/** Fits LSA beside the event loop rather than on it, so that whatever the process serves stays fast for the minute it may take. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { reasonOf } from '@keelson/kernel'
import { infrastructureErrors } from '../errors.ts'
import { type LsaModel, type LsaOptions, openLsa } from './lsa-model.ts'
import type { LsaWorkerAnswer, LsaWorkerRequest } from './lsa-worker.ts'

// The compiler rewrites imports to `.js` but not this name, so it follows the file that it stands in.
const workerFile = new URL(`./lsa-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)

/**
 * `fitLsa` in a thread that lives as long as the fitting. The corpus is read here, batch by batch, as the thread asks for it. Rejects as
 * `fitLsa` does, with what the corpus throws, and with MODEL_FIT_FAILED when the thread dies, for want of memory for instance.
 *
 * @param batches the texts, some hundreds at a time.
 */
export async function fitLsaInWorker(
  batches: AsyncIterable<readonly string[]>,
  { signal, ...options }: LsaOptions = {},
): Promise<LsaModel> {
  signal?.throwIfAborted()
  const worker = new Worker(workerFile, { name: 'lsa' })
  const send = (request: LsaWorkerRequest) => worker.postMessage(request)
  const source = batches[Symbol.asyncIterator]()
  const fitted = Promise.withResolvers<LsaModel>()
  const feed = async () => {
    const { done, value } = await source.next()
    send(done ? { end: true } : { texts: value })
  }
  worker.on('message', (answer: LsaWorkerAnswer) => {
    if ('more' in answer) feed().catch(fitted.reject)
    else if ('bytes' in answer) fitted.resolve(openLsa(answer.bytes))
    else fitted.reject(refusal(answer.refused))
  })
  worker.on('error', (cause) =>
    fitted.reject(infrastructureErrors.MODEL_FIT_FAILED({ reason: reasonOf(cause) }, { cause })),
  )
  worker.on('exit', () => fitted.reject(infrastructureErrors.MODEL_FIT_FAILED({ reason: 'its thread ended' })))
  const abort = () => fitted.reject(signal?.reason)
  signal?.addEventListener('abort', abort, { once: true })
  send({ options })
  try {
    return await fitted.promise
  } finally {
    signal?.removeEventListener('abort', abort)
    const ended = once(worker, 'exit')
    void worker.terminate()
    await Promise.all([ended, source.return?.()])
  }
}

function refusal({ code, message, details }: { code: string | undefined; message: string; details: object }) {
  if (code === 'MODEL_CORPUS_EMPTY' && 'texts' in details)
    return infrastructureErrors.MODEL_CORPUS_EMPTY({ texts: Number(details.texts) })
  if (code === 'MODEL_OPTIONS_INVALID' && 'reason' in details)
    return infrastructureErrors.MODEL_OPTIONS_INVALID({ reason: String(details.reason) })
  return infrastructureErrors.MODEL_FIT_FAILED({ reason: message })
}
