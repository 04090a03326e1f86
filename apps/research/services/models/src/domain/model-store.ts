/** Registered models in the database: versions with their bytes, and aliases that point at them or at a model of an endpoint. */
import { type Database, migrate } from '@keelson/kernel'
import { modelsMigrations } from './models-migrations.ts'

export interface StoredVersion {
  readonly name: string
  readonly version: string
  readonly dimension: number
  readonly tags: Readonly<Record<string, string>>
  readonly createdAt: Date
}

export interface Alias {
  readonly alias: string
  readonly name: string
  readonly version: string
}

export interface ModelStore {
  /** The newest version of each name first. */
  versions(): Promise<readonly StoredVersion[]>
  aliases(): Promise<readonly Alias[]>
  /** Undefined when it is not there. */
  bytes(name: string, version: string): Promise<Uint8Array | undefined>
  /** Keeps the next version, drops those beyond the newest `keep` that no alias names, and tells the number given. */
  add(
    model: Omit<StoredVersion, 'version' | 'createdAt'> & { readonly bytes: Uint8Array },
    keep: number,
  ): Promise<string>
  setAlias(alias: Alias): Promise<void>
  /** False when it was not there. */
  removeAlias(alias: string): Promise<boolean>
}

export async function openModelStore(database: Database, now: () => number): Promise<ModelStore> {
  await migrate(database, 'models', modelsMigrations)
  return {
    async versions() {
      const { rows } = await database.query<Omit<StoredVersion, 'version'> & { version: number }>(
        `select name, version, dimension, tags, created_at as "createdAt" from models_versions order by name, version desc`,
      )
      return rows.map((row) => ({ ...row, version: String(row.version) }))
    },
    async aliases() {
      const { rows } = await database.query<Alias>('select alias, name, version from models_aliases order by alias')
      return rows
    },
    async bytes(name, version) {
      const { rows } = await database.query<{ bytes: Uint8Array }>(
        'select bytes from models_versions where name = $1 and version::text = $2',
        [name, version],
      )
      return rows[0]?.bytes
    },
    async add({ name, dimension, tags, bytes }, keep) {
      const [, added] = await database.batch([
        {
          sql: `insert into models_counters (name, newest) values ($1, 1)
            on conflict (name) do update set newest = models_counters.newest + 1`,
          parameters: [name],
        },
        {
          sql: `insert into models_versions (name, version, format, dimension, tags, created_at, bytes)
            select $1, newest, 'lsa', $2::int, $3::jsonb, $4::timestamptz, $5::bytea from models_counters where name = $1
            returning version`,
          parameters: [name, dimension, tags, new Date(now()), bytes],
        },
        {
          sql: `delete from models_versions old where name = $1
            and version <= (select newest from models_counters where name = $1) - $2::int
            and not exists (select from models_aliases where name = old.name and version = old.version::text)`,
          parameters: [name, keep],
        },
      ])
      return String(added?.rows[0]?.['version'])
    },
    async setAlias({ alias, name, version }) {
      await database.query(
        `insert into models_aliases (alias, name, version) values ($1, $2, $3)
        on conflict (alias) do update set name = excluded.name, version = excluded.version`,
        [alias, name, version],
      )
    },
    async removeAlias(alias) {
      const { affected } = await database.query('delete from models_aliases where alias = $1', [alias])
      return affected > 0
    },
  }
}
