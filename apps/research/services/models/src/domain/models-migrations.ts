/** The tables of the models service: the bytes of every kept version, and the aliases. The database is the truth. */
import type { Migration } from '@keelson/kernel'

export const modelsMigrations: readonly Migration[] = [
  {
    version: 1,
    name: 'versions of models and aliases',
    statements: [
      `create table models_versions (
        name text not null,
        version integer not null check (version > 0),
        format text not null,
        dimension integer not null,
        tags jsonb not null,
        created_at timestamptz not null,
        bytes bytea not null,
        primary key (name, version)
      )`,
      // Versions are never given twice, also when the newest has been dropped.
      `create table models_counters (name text primary key, newest integer not null)`,
      `create table models_aliases (
        alias text primary key,
        name text not null,
        version text not null
      )`,
    ],
  },
]
