/**
 * Which folders are indexed, and which of them not to the end: what must go on after the process was killed. Kept in the same database
 * as the documents, so that replacing the start folder and dropping its documents is one transaction.
 */
import type { Database } from '@keelson/kernel'
import { dropStatements } from './documents-store.ts'

export interface FoldersStore {
  /** Makes `folder` the start folder, to be indexed; the documents of the one before are gone, those asked for stay. */
  replaceStart(folder: string): Promise<void>
  /** Notes that `folder` is to be indexed because somebody asked. */
  request(folder: string): Promise<void>
  /** Notes that `folder` was indexed to its end. */
  finish(folder: string): Promise<void>
  /** The folders still to be indexed, by name. */
  unfinished(): Promise<readonly string[]>
}

/** On tables that `openDocumentsStore` has made. */
export function createFoldersStore(database: Database): FoldersStore {
  const upsert = `insert into documents_folders (folder, origin, state) values ($1, $2, 'indexing') on conflict (folder) do update set state = 'indexing'`
  return {
    async replaceStart(folder) {
      const previous = `folder in (select folder from documents_folders where origin = 'start' and folder <> $1)`
      await database.batch([
        ...dropStatements(previous, [folder]),
        { sql: `delete from documents_folders where origin = 'start' and folder <> $1`, parameters: [folder] },
        { sql: `${upsert}, origin = 'start'`, parameters: [folder, 'start'] },
      ])
    },
    async request(folder) {
      await database.query(upsert, [folder, 'request'])
    },
    async finish(folder) {
      await database.query(`update documents_folders set state = 'indexed' where folder = $1`, [folder])
    },
    async unfinished() {
      const { rows } = await database.query<{ folder: string }>(
        `select folder from documents_folders where state = 'indexing' order by origin desc, folder collate "C"`,
      )
      return rows.map((row) => row.folder)
    },
  }
}
