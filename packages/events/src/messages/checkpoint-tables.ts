/** Where consumers keep how far they are, beside their effects: one row per group and topic, and their dead letters. */
import type { Migration } from '@keelson/kernel'

export const checkpointTables: readonly Migration[] = [
  {
    version: 1,
    name: 'checkpoints and dead letters of consumers',
    statements: [
      // `fence` grows with each owner: what an earlier one still wants to commit does not find its own.
      `create table keelson_message_checkpoints (
        group_name text collate "C" not null, topic text collate "C" not null, epoch int not null, position bigint not null,
        owner text, fence bigint not null default 0, leased_until timestamptz not null default '-infinity',
        attempted text, attempts int not null default 0, primary key (group_name, topic)) with (fillfactor = 50)`,
      `create table keelson_message_dead_letters (
        group_name text collate "C" not null, topic text collate "C" not null, epoch int not null, position bigint not null,
        message json not null, reason text not null, deliveries int not null, died_at timestamptz not null default clock_timestamp(),
        primary key (group_name, topic, epoch, position))`,
    ],
  },
]
