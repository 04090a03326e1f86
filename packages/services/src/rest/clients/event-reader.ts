/**
 * Reads server-sent events, ours and those of others: every form that the format allows (WHATWG HTML, 9.2.6), in chunks that may end
 * anywhere.
 */
import { servicesErrors } from '../../errors.ts'

export interface ServerSentEvent {
  /** `message` where the stream names none. */
  readonly event: string
  /** Its `data:` lines, joined by line ends. */
  readonly data: string
}

/** An event that never ends would fill the memory. */
const mostCharacters = 64 * 1024 * 1024

/**
 * The events of a body, until it ends; one that it ends in the middle of is none. `id:` and `retry:` are taken and not used, since nothing
 * is connected again. Rejects as the body does, and with REMOTE_ANSWER_INVALID when an event is larger than 64 MiB.
 */
export async function* eventsOf(body: AsyncIterable<Uint8Array>, operation: string): AsyncGenerator<ServerSentEvent> {
  let event = ''
  let data: string[] = []
  let size = 0
  for await (const line of linesOf(body, operation)) {
    size += line.length
    if (size > mostCharacters) throw tooLarge(operation)
    if (line !== '') {
      const [field, value] = fieldOf(line)
      if (field === 'event') event = value
      if (field === 'data') data.push(value)
      continue
    }
    if (data.length > 0) yield { event: event || 'message', data: data.join('\n') }
    event = ''
    data = []
    size = 0
  }
}

/** A line that begins with a colon is a comment: its field has no name. */
function fieldOf(line: string): readonly [field: string, value: string] {
  const at = line.indexOf(':')
  if (at < 0) return [line, '']
  const value = line.slice(at + 1)
  return [line.slice(0, at), value.startsWith(' ') ? value.slice(1) : value]
}

/** Lines end in CR LF, LF or CR. The decoder drops a byte order mark and puts characters together that chunks cut apart. */
async function* linesOf(body: AsyncIterable<Uint8Array>, operation: string): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let begun: string[] = []
  let size = 0
  let isAfterReturn = false
  for await (const bytes of body) {
    let text = decoder.decode(bytes, { stream: true })
    // The line feed of a CR LF that a chunk cut apart ends no second line.
    if (isAfterReturn && text.startsWith('\n')) text = text.slice(1)
    else if (text === '') continue
    isAfterReturn = text === '' ? false : text.endsWith('\r')
    const lines = text.split(/\r\n|\n|\r/)
    const rest = lines.pop() ?? ''
    for (const line of lines) {
      yield begun.length === 0 ? line : `${begun.join('')}${line}`
      begun = []
      size = 0
    }
    if (rest !== '') begun.push(rest)
    size += rest.length
    if (size > mostCharacters) throw tooLarge(operation)
  }
}

function tooLarge(operation: string) {
  return servicesErrors.REMOTE_ANSWER_INVALID({
    operation,
    reason: `an event is larger than ${mostCharacters} characters`,
  })
}
