/**
 * Numbered migrations, one sequence per owner (a service or store), so that several can share one database and each moves by itself.
 * Everything of one call happens in one transaction under an advisory lock: two processes that start together do not run one twice, and
 * a failed migration leaves nothing behind.
 */
import { kernelErrors } from '../errors.ts'
import type { Database } from './database.ts'

export interface Migration {
  /** 1, 2, 3 … without gaps. */
  readonly version: number
  /** What it does, in a few words. */
  readonly name: string
  /** Run in order. */
  readonly statements: readonly string[]
}

/**
 * Brings the tables of `owner` to the newest of `migrations`. Rejects with DATABASE_NEWER when the database has been used by a later
 * version of the program: nothing is changed then.
 */
export async function migrate(database: Database, owner: string, migrations: readonly Migration[]): Promise<void> {
  await database.transaction(async (transaction) => {
    // The lock comes first: PostgreSQL lets two `create table if not exists` that meet fail with a duplicate key.
    await transaction.query(`select pg_advisory_xact_lock(hashtext('keelson_migrations'))`)
    await transaction.query(`create table if not exists keelson_migrations (
      owner text not null, version int not null, name text not null, applied_at timestamptz not null default now(), primary key (owner, version))`)
    const { rows } = await transaction.query<{ version: number }>(
      'select coalesce(max(version), 0)::int as version from keelson_migrations where owner = $1',
      [owner],
    )
    const current = rows[0]?.version ?? 0
    const newest = migrations.at(-1)?.version ?? 0
    if (current > newest) throw kernelErrors.DATABASE_NEWER({ owner, found: current, known: newest })
    for (const migration of migrations) {
      if (migration.version <= current) continue
      for (const statement of migration.statements) await transaction.query(statement)
      await transaction.query('insert into keelson_migrations (owner, version, name) values ($1, $2, $3)', [
        owner,
        migration.version,
        migration.name,
      ])
    }
  })
}
