/** From the bytes of a file to what is stored of it: its format is found, its text extracted and cut into passages. Runs in any thread. */
import { documentsErrors } from '../errors.ts'
import type { DocumentContent } from './document-draft.ts'
import { formatOf } from './formats/formats.ts'
import { passagesOf } from './passages.ts'
import { titleOf } from './title.ts'

/** Rejects with a DOCUMENTS_FILE_ error. `path` says what format it is. */
export async function contentOf(bytes: Uint8Array, path: string): Promise<DocumentContent> {
  if (bytes.length === 0) throw documentsErrors.DOCUMENTS_FILE_EMPTY({ path })
  const extract = await formatOf(path).load()
  const extraction = await extract(bytes, path)
  const passages = passagesOf(extraction)
  if (passages.length === 0) throw documentsErrors.DOCUMENTS_FILE_EMPTY({ path })
  return { title: titleOf(extraction.title, path), text: extraction.text, passages }
}
