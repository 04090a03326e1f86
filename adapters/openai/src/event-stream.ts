/** Reads server-sent events (WHATWG HTML, section 9.2) as far as chat answers use them: the data of each event, in order. */
import { infrastructureErrors } from '@keelson/infrastructure'

const longestLine = 1_000_000

/**
 * What stands in the `data` fields of each event. An event that is cut off by the end of the bytes is dropped, as the standard says.
 *
 * @throws MODEL_ANSWER_INVALID for a line of more than a million characters.
 */
export async function* readEvents(chunks: AsyncIterable<Uint8Array>, model: string): AsyncGenerator<string> {
  let data: string[] = []
  for await (const line of readLines(chunks, model)) {
    if (line !== '') {
      const value = dataOf(line)
      if (value !== undefined) data.push(value)
      continue
    }
    if (data.length > 0) yield data.join('\n')
    data = []
  }
}

function dataOf(line: string): string | undefined {
  if (line === 'data') return ''
  return line.startsWith('data:') ? line.slice(line.startsWith('data: ') ? 6 : 5) : undefined
}

/** Lines end with CR, LF or both, also where a chunk ends between them; a last line without an end is dropped. */
async function* readLines(chunks: AsyncIterable<Uint8Array>, model: string): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true })
    // A CR at the end may be the first half of a line's end.
    const lines = rest.split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    if (rest.length > longestLine)
      throw infrastructureErrors.MODEL_ANSWER_INVALID({ model, reason: 'a line has no end' })
    yield* lines
  }
  if (rest.endsWith('\r')) yield rest.slice(0, -1)
}
