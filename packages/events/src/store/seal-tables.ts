/**
 * What is sealed, as tables and functions: events under a hash over each thousand of them, and acts (archiving, erasing, shredding), each under
 * a hash over itself and the act before. Fields are written as netstrings (`5:order`), so that no two rows of different fields give one
 * text. `seal-chain.ts` makes the same hashes in the program that verifies.
 */
import type { Migration } from '@keelson/kernel'

/** Events under one stored seal. */
export const eventsPerSeal = 1_000

const net = `create function keelson_net(in_text text) returns text language sql immutable as
  $$ select octet_length(convert_to(in_text, 'UTF8')) || ':' || in_text $$`

const micros = (column: string) => `(extract(epoch from ${column}) * 1000000)::bigint::text`

export const sealMigration: Migration = {
  version: 4,
  name: 'seals over everything that a reader is given, and acts',
  statements: [
    net,
    `create function keelson_event_payload(in_data json, in_metadata json, in_tags text[]) returns bytea language sql immutable as
      $$ select sha256(convert_to(keelson_net(in_data::text) || keelson_net(in_metadata::text) || keelson_net(coalesce(
        (select string_agg(keelson_net(t.tag), '' order by t.at) from unnest(in_tags) with ordinality t (tag, at)), '')), 'UTF8')) $$`,
    `create function keelson_event_leaf(e keelson_events) returns bytea language sql stable as
      $$ select sha256(convert_to(keelson_net(e.position::text) || keelson_net(e.version::text) || keelson_net(${micros('e.recorded_at')})
        || keelson_net(e.schema_version::text) || keelson_net(e.id::text) || keelson_net(e.stream) || keelson_net(e.type)
        || keelson_net(encode(case e.state when 'erased' then e.digest else keelson_event_payload(e.data, e.metadata, e.tags) end, 'hex')),
        'UTF8')) $$`,
    // Seals of the first form stay as they were; those that are made from now on are of the second.
    `alter table keelson_event_seals add column form int not null default 1`,
    `alter table keelson_event_seals drop constraint keelson_event_seals_pkey, add primary key (log, form, position)`,
    `create function keelson_event_seal_2(in_log int, in_after bigint, in_position bigint, in_seal bytea) returns bytea language sql stable as
      $$ select sha256(in_seal || coalesce(string_agg(keelson_event_leaf(e), ''::bytea order by e.position), ''::bytea))
        from keelson_events e where e.log = in_log and e.position > in_after and e.position <= in_position $$`,
    `create table keelson_event_acts (
      log int not null, act bigint not null, kind text not null, subject text collate "C" not null, version bigint not null,
      acted_at timestamptz not null, seal bytea not null, primary key (log, act))`,
    // Acts of one log come one after the other, for which appends never wait.
    `create function keelson_note_act(in_log int, in_kind text, in_subject text, in_version bigint) returns void language plpgsql as $$
    declare
      before record;
      next_act bigint;
      the_time timestamptz := clock_timestamp();
    begin
      perform pg_advisory_xact_lock(hashtextextended('keelson_event_acts', in_log));
      select a.act, a.seal into before from keelson_event_acts a where a.log = in_log order by a.act desc limit 1;
      next_act := coalesce(before.act, 0) + 1;
      insert into keelson_event_acts (log, act, kind, subject, version, acted_at, seal)
        values (in_log, next_act, in_kind, in_subject, in_version, the_time, sha256(coalesce(before.seal, ''::bytea) || convert_to(
          keelson_net(next_act::text) || keelson_net(in_kind) || keelson_net(in_subject) || keelson_net(in_version::text)
          || keelson_net(${micros('the_time')}), 'UTF8')));
    end $$`,
    // What was done before there were acts.
    `do $$
    declare one record;
    begin
      for one in select s.log, s.name, s.version, s.state, (select max(e.version) from keelson_events e
          where e.log = s.log and e.stream = s.name and e.state = 'erased') as erased from keelson_event_streams s loop
        if one.state = 'tombstoned' then perform keelson_note_act(one.log, 'tombstone', one.name, one.version);
        else
          if one.erased is not null then perform keelson_note_act(one.log, 'truncate', one.name, one.erased + 1); end if;
          if one.state = 'archived' then perform keelson_note_act(one.log, 'archive', one.name, one.version); end if;
        end if;
      end loop;
    end $$`,
    `create table keelson_event_readers (
      log text collate "C" not null, reader text collate "C" not null, position bigint not null, primary key (log, reader))`,
    // A reader that has not come to a position yet. Its tables are there where projections and workflows have been.
    `create function keelson_reader_behind(in_log text, in_position bigint) returns text language plpgsql stable as $$
    declare behind text;
    begin
      select r.reader into behind from keelson_event_readers r where r.log = in_log and r.position < in_position limit 1;
      if behind is null and to_regclass('keelson_projection_partitions') is not null then
        execute 'select ''projection '' || name from keelson_projection_partitions where log = $1 and position < $2 limit 1'
          into behind using in_log, in_position;
      end if;
      if behind is null and to_regclass('keelson_process_starts') is not null then
        execute 'select ''workflow '' || process from keelson_process_starts where log = $1 and position < $2 limit 1'
          into behind using in_log, in_position;
      end if;
      return behind;
    end $$`,
    // One statement: who is paused in the middle of it holds nothing. Gives 'acted', 'done', 'none', or why not.
    `create function keelson_act(in_log int, in_kind text, in_stream text, in_version bigint, in_force boolean)
    returns table (outcome text, reason text) language plpgsql as $$
    declare
      found record;
      seen record;
    begin
      select s.version, s.state into found from keelson_event_streams s where s.log = in_log and s.name = in_stream for update;
      outcome := case when found.state is null then 'none' when found.state = 'tombstoned' then 'done'
        when in_kind = 'archive' and found.state = 'archived' then 'done' end;
      if outcome is null and in_kind = 'truncate' then
        select n.name, n.version into seen from keelson_event_snapshots n
          where n.log = in_log and n.stream = in_stream and n.version < in_version - 1 limit 1;
        if seen.name is not null then
          outcome := 'refused';
          reason := 'the snapshot "' || seen.name || '" stands at version ' || seen.version || ', and its state would lose the events after it';
        end if;
      end if;
      if outcome is null and in_kind <> 'archive' and not in_force then
        select keelson_reader_behind((select l.name from keelson_event_logs l where l.id = in_log), max(e.position)) as reader,
          max(e.position) as position into seen from keelson_events e
          where e.log = in_log and e.stream = in_stream and e.version < in_version and e.state <> 'erased';
        if seen.reader is not null then
          outcome := 'refused';
          reason := 'the ' || seen.reader || ' has yet to come to position ' || seen.position;
        end if;
      end if;
      if outcome is null then
        if in_kind = 'truncate' then
          delete from keelson_event_snapshots n where n.log = in_log and n.stream = in_stream and n.version < in_version - 1;
        else
          update keelson_event_streams s set state = case in_kind when 'archive' then 'archived' else 'tombstoned' end
            where s.log = in_log and s.name = in_stream;
        end if;
        if in_kind = 'tombstone' then delete from keelson_event_snapshots n where n.log = in_log and n.stream = in_stream; end if;
        perform keelson_note_act(in_log, in_kind, in_stream, case in_kind when 'truncate' then in_version else found.version end);
        outcome := 'acted';
      end if;
      return next;
    end $$`,
    // Some events at a time, in a transaction each: appends need none of these rows.
    `create function keelson_erase(in_log int, in_stream text, in_version bigint, in_count int) returns bigint language plpgsql as $$
    declare erased bigint;
    begin
      perform set_config('keelson.erase', 'on', true);
      update keelson_events e set state = 'erased', digest = keelson_event_payload(e.data, e.metadata, e.tags), data = null, metadata = null,
          tags = null
        from (select o.position from keelson_events o where o.log = in_log and o.stream = in_stream and o.version < in_version
          and o.state <> 'erased' order by o.version limit in_count for update) due
        where e.log = in_log and e.position = due.position;
      get diagnostics erased = row_count;
      return erased;
    end $$`,
    `create index keelson_event_streams_archived on keelson_event_streams (log, name) where state = 'archived'`,
  ],
}
