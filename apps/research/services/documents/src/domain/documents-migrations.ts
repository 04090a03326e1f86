/**
 * The tables of the documents service. The database alone is the truth: it keeps texts and passages, so that the search index can be
 * built again without the files.
 */
import type { Migration } from '@keelson/kernel'

export const documentsMigrations: readonly Migration[] = [
  {
    version: 1,
    name: 'documents, their passages, folders and the change counter',
    statements: [
      `create table documents_changes (
        -- One row: whoever changes a document updates it in the same transaction, so commits have the order of the counter's values.
        single boolean primary key default true check (single),
        value bigint not null default 0,
        -- Tells this database from another one that has come to the same counter value.
        epoch uuid not null default gen_random_uuid()
      )`,
      `insert into documents_changes default values`,
      `create table documents_folders (
        folder text primary key,
        origin text not null check (origin in ('start', 'request')),
        state text not null check (state in ('indexing', 'indexed'))
      )`,
      `create table documents (
        id text primary key,
        folder text not null,
        path text not null,
        title text not null,
        type text not null,
        bytes integer not null,
        modified_at timestamptz not null,
        indexed_at timestamptz not null,
        hash text not null,
        -- How the file looked when it was last read; empty when that look cannot be trusted to show a change.
        stamp text not null,
        text text not null,
        chunks integer not null,
        -- The most passages this document has ever had: what an index of any age may know of it.
        most_chunks integer not null,
        state text not null check (state in ('live', 'deleted', 'gone')),
        change bigint not null unique
      )`,
      `create index documents_by_path on documents (folder collate "C", path collate "C") where state = 'live'`,
      `create table documents_chunks (
        document_id text not null references documents (id),
        position integer not null,
        start_at integer not null,
        end_at integer not null,
        text text not null,
        primary key (document_id, position)
      )`,
    ],
  },
  {
    version: 2,
    name: 'vectors of passages, by the model that made them',
    statements: [
      `create table documents_vectors (
        model text not null,
        version text not null,
        document_id text not null references documents (id),
        -- Of the texts that were embedded: the vectors are good as long as it is the same.
        content text not null,
        -- One after the other, 32-bit floats, little-endian; all zeros for a passage of which the model knows nothing.
        vectors bytea not null,
        primary key (model, version, document_id)
      )`,
    ],
  },
  {
    version: 3,
    name: 'where in its document a passage stands',
    statements: [
      `alter table documents_chunks add column headings jsonb not null default '[]', add column page integer,
        add column first_line integer, add column last_line integer`,
      // Files are read once more at the next run; uploads, whose bytes are not kept, stay as they are.
      `update documents set stamp = '', hash = '' where state = 'live' and folder <> ''`,
    ],
  },
]
