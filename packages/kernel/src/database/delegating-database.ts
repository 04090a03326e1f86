/** A `Database` that hands everything to another, for tests that watch, borrow or break one of its calls. */
import type { Database } from './database.ts'

/** Everything goes to `database` but what is in `instead`. It has no `close`: whoever opened the database ends it. */
export function delegatingDatabase(database: Database, instead: Partial<Database> = {}): Database {
  return {
    ...(database.replica && { replica: database.replica }),
    query: (sql, parameters) => database.query(sql, parameters),
    batch: (statements) => database.batch(statements),
    transaction: (work) => database.transaction(work),
    now: () => database.now(),
    get nowSql() {
      return database.nowSql
    },
    notify: (channel, payload) => database.notify(channel, payload),
    listen: (channel, heard) => database.listen(channel, heard),
    ...instead,
  }
}
