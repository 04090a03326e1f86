/** The tables of workflows. */
import type { Migration } from '@keelson/kernel'

/** The owner of the migrations: databases have it from when workflows were called processes. */
export const workflowTablesOwner = 'processes'

export const workflowTables: readonly Migration[] = [
  {
    version: 1,
    name: 'instances, what starts them, and scheduled events',
    statements: [
      `create table keelson_processes (
        log text collate "C" not null, process text collate "C" not null, id text collate "C" not null, version int not null,
        status text not null, wake_at bigint, changes bigint not null default 0, owner text, lease_until timestamptz,
        waiting_for text[] not null default '{}', reason text, parent_process text, parent_id text, parent_key text,
        started_at timestamptz not null default now(), updated_at timestamptz not null default now(),
        primary key (log, process, id)) with (fillfactor = 70)`,
      'create index keelson_processes_due on keelson_processes (log, wake_at) where wake_at is not null',
      `create table keelson_process_starts (
        log text collate "C" not null, process text collate "C" not null, position bigint not null default 0, epoch int not null default 0,
        primary key (log, process))`,
      `create table keelson_scheduled_events (
        log text collate "C" not null, id uuid not null, due_at bigint not null, stream text not null, type text not null,
        schema_version int not null, data json not null, metadata json not null, tags text[] not null, primary key (log, id))`,
      'create index keelson_scheduled_events_due on keelson_scheduled_events (log, due_at)',
    ],
  },
  {
    version: 2,
    name: 'processes are called workflows, and each instance says which stream is its own',
    statements: [
      'alter table keelson_processes rename to keelson_workflows',
      'alter table keelson_workflows rename column process to workflow',
      'alter table keelson_workflows rename column parent_process to parent_workflow',
      'alter index keelson_processes_pkey rename to keelson_workflows_pkey',
      'alter index keelson_processes_due rename to keelson_workflows_due',
      'alter table keelson_process_starts rename to keelson_workflow_starts',
      'alter table keelson_workflow_starts rename column process to workflow',
      'alter index keelson_process_starts_pkey rename to keelson_workflow_starts_pkey',
      'alter table keelson_workflows add column stream text collate "C"',
      `update keelson_workflows set stream = 'process-' || workflow || '-' || id`,
      'alter table keelson_workflows alter column stream set not null',
      `create index keelson_workflows_children on keelson_workflows (log, parent_workflow, parent_id, parent_key)
        where parent_workflow is not null`,
    ],
  },
  {
    version: 3,
    name: 'fences, what was cancelled and refused, tries of what is parked, and events that began nothing',
    statements: [
      'alter table keelson_workflows rename column lease_until to leased_until',
      `alter table keelson_workflows add column fence bigint not null default 0, add column tries int not null default 0,
        add column cancelled_for text, add column refused int not null default 0`,
      'drop index keelson_workflows_due',
      'create index keelson_workflows_due on keelson_workflows (log, workflow, wake_at) where wake_at is not null',
      `create index keelson_workflows_standing on keelson_workflows (log, workflow) where tries > 0 or refused > 0 or status = 'paused'`,
      `create table keelson_workflow_parked_starts (
        log text collate "C" not null, workflow text collate "C" not null, position bigint not null, reason text not null,
        tries int not null default 1, retry_at bigint not null, primary key (log, workflow, position))`,
      'alter table keelson_scheduled_events add column tries int not null default 0, add column reason text',
    ],
  },
]
