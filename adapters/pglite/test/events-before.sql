-- A database of events as version 2 of its tables left it: statements between lines of dashes.
create table keelson_event_logs (
  id int generated always as identity primary key, name text collate "C" not null unique,
  head bigint not null default 0, epoch int not null default 1, server text not null,
  recorded_at timestamptz not null default '-infinity') with (fillfactor = 20)
--------
create table keelson_event_epochs (
  log int not null, epoch int not null, begins_after bigint not null, server text not null,
  begun_at timestamptz not null default now(), primary key (log, epoch))
--------
create table keelson_event_streams (
  log int not null, name text collate "C" not null, version bigint not null, state text not null default 'open',
  primary key (log, name)) with (fillfactor = 70)
--------
create table keelson_events (
  log int not null, position bigint not null, version bigint not null, recorded_at timestamptz not null,
  schema_version smallint not null, state text not null default 'live', id uuid not null, stream text collate "C" not null,
  type text collate "C" not null, data json, metadata json, tags text[], digest bytea,
  primary key (log, position), unique (log, stream, version))
--------
create unique index keelson_events_id on keelson_events (id)
--------
create index keelson_events_tags on keelson_events using gin (tags) where tags is not null
--------
create function keelson_event_digest(in_data json, in_metadata json, in_tags text[]) returns bytea language sql immutable as
  $$ select sha256(convert_to(in_data::text || chr(10) || in_metadata::text || chr(10) || coalesce(in_tags::text, ''), 'UTF8')) $$
--------
create table keelson_event_seals (
  log int not null, position bigint not null, seal bytea not null, sealed_at timestamptz not null default now(),
  primary key (log, position))
--------
create function keelson_event_seal(in_log int, in_after bigint, in_position bigint, in_seal bytea) returns bytea language sql stable as $$
  select sha256(in_seal || convert_to(coalesce(string_agg(
  concat_ws('|', e.position, e.version, e.stream, e.type, e.schema_version, e.id,
  encode(coalesce(e.digest, keelson_event_digest(e.data, e.metadata, e.tags)), 'hex')), chr(10) order by e.position), ''), 'UTF8'))
  from keelson_events e where e.log = in_log and e.position > in_after and e.position <= in_position $$
--------
create table keelson_event_keys (subject text collate "C" primary key, key bytea, shredded_at timestamptz)
--------
create table keelson_event_snapshots (
  log int not null, stream text collate "C" not null, name text collate "C" not null, shape int not null, version bigint not null,
  state json not null, primary key (log, stream, name))
--------
create function keelson_events_stay() returns trigger language plpgsql as $$
  begin
  if current_setting('keelson.erase', true) is distinct from 'on' then
  raise exception 'events are never changed or deleted' using errcode = '42501';
  end if;
  return case tg_op when 'DELETE' then old else new end;
  end $$
--------
create trigger keelson_events_stay before update or delete on keelson_events
  for each row execute function keelson_events_stay()
--------
create trigger keelson_events_stay_all before truncate on keelson_events
  for each statement execute function keelson_events_stay()
--------
create function keelson_timeline() returns text language sql stable as
  $$ select substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) $$
--------
create function keelson_server() returns text language sql stable as
  $$ select system_identifier::text || '/' || keelson_timeline() from pg_control_system() $$
--------
create function keelson_event_log(in_name text) returns table (id int, epoch int, head bigint) language plpgsql as $$
  declare
  found record;
  server_now text := keelson_server();
  begin
  insert into keelson_event_logs (name, server) values (in_name, server_now) on conflict (name) do nothing;
  select * into found from keelson_event_logs l where l.name = in_name for update;
  if found.server <> server_now then
  update keelson_event_logs l set epoch = l.epoch + 1, server = server_now where l.id = found.id;
  insert into keelson_event_epochs (log, epoch, begins_after, server) values (found.id, found.epoch + 1, found.head, server_now);
  end if;
  return query select l.id, l.epoch, l.head from keelson_event_logs l where l.id = found.id;
  end $$
--------
create function keelson_events_meeting(in_log int, in_tags text[], in_types text[], in_after bigint) returns bigint language plpgsql
  set enable_bitmapscan = on set plan_cache_mode = force_custom_plan as $$
  begin
  return (select max(e.position) from keelson_events e where e.log = in_log and e.position > in_after and e.tags @> in_tags
  and (in_types is null or e.type = any (in_types)));
  end $$
--------
create function keelson_append(
  in_log int, in_streams text[], part_append int[], part_stream int[], part_expected bigint[], part_size int[],
  event_part int[], event_ids uuid[], event_types text[], event_schemas smallint[], event_data text[], event_metadata text[], event_tags text[],
  condition_tags text[], condition_types text[], condition_after bigint)
  returns table (outcome text, version bigint, "position" bigint) language plpgsql
  set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
  declare
  the_log record;
  the_time timestamptz;
  versions bigint[];
  states text[];
  repeats int[];
  parts constant int := cardinality(part_append);
  outcomes text[] := array_fill(null::text, array[parts]);
  out_versions bigint[] := array_fill(0::bigint, array[parts]);
  out_positions bigint[] := array_fill(0::bigint, array[parts]);
  starts bigint[] := array_fill(0::bigint, array[parts]);
  version_starts bigint[] := array_fill(0::bigint, array[parts]);
  touched boolean[] := array_fill(false, array[cardinality(in_streams)]);
  next_position bigint;
  met_position bigint;
  found_version bigint;
  found_position bigint;
  event_at bigint := 0;
  part int := 1;
  last_part int;
  at int;
  stream int;
  refusal text;
  begin
  select l.name, l.head, l.server, l.recorded_at into the_log from keelson_event_logs l where l.id = in_log for update;
  if right(the_log.server, 8) <> keelson_timeline() then perform keelson_event_log(the_log.name); end if;
  next_position := the_log.head;
  the_time := greatest(the_log.recorded_at, clock_timestamp());
  select array_agg(coalesce(s.version, 0) order by n.at), array_agg(s.state order by n.at) into versions, states
  from unnest(in_streams) with ordinality n (name, at)
  left join lateral (select f.version, f.state from keelson_event_streams f where f.log = in_log and f.name = n.name limit 1) s on true;
  -- Which appends have an event that is there already. By its id alone: with the log, a plan made early may go through all of it.
  select array_agg(distinct part_append[p.part]) into repeats
  from unnest(event_ids, event_part) p (id, part) join keelson_events e on e.id = p.id;
  if condition_after is not null then
  met_position := keelson_events_meeting(in_log, condition_tags, condition_types, condition_after);
  end if;
  while part <= parts loop
  last_part := part;
  while last_part < parts and part_append[last_part + 1] = part_append[part] loop last_part := last_part + 1; end loop;
  refusal := null;
  if repeats is not null and part_append[part] = any (repeats) then
  -- The same events in the same streams, or another append that took their ids.
  for at in part .. last_part loop
  select case when count(*) = part_size[at]
  and bool_and(e.log = in_log and e.stream = in_streams[part_stream[at]] and e.type = g.type
  and (e.state = 'erased' or e.data::text = g.data)) then 'repeat' else 'taken' end,
  max(e.version), max(e.position)
  into refusal, found_version, found_position
  from unnest(event_ids, event_part, event_types, event_data) g (id, part, type, data)
  join keelson_events e on e.id = g.id where g.part = at;
  outcomes[at] := refusal;
  out_versions[at] := found_version;
  out_positions[at] := found_position;
  end loop;
  else
  if met_position is not null then
  refusal := 'condition';
  outcomes[part] := refusal;
  out_positions[part] := met_position;
  end if;
  for at in part .. last_part loop
  exit when refusal is not null;
  stream := part_stream[at];
  if states[stream] <> 'open' then
  refusal := 'closed';
  outcomes[at] := states[stream];
  elsif not (part_expected[at] = -1 or (part_expected[at] = -2 and versions[stream] > 0) or part_expected[at] = versions[stream]) then
  refusal := 'conflict';
  outcomes[at] := refusal;
  out_versions[at] := versions[stream];
  end if;
  end loop;
  if refusal is null then
  for at in part .. last_part loop
  stream := part_stream[at];
  starts[at] := next_position - event_at;
  version_starts[at] := versions[stream] - event_at;
  event_at := event_at + part_size[at];
  next_position := next_position + part_size[at];
  versions[stream] := versions[stream] + part_size[at];
  touched[stream] := true;
  outcomes[at] := 'ok';
  out_versions[at] := versions[stream];
  out_positions[at] := next_position;
  end loop;
  part := last_part + 1;
  continue;
  end if;
  end if;
  for at in part .. last_part loop event_at := event_at + part_size[at]; end loop;
  part := last_part + 1;
  end loop;
  if next_position > the_log.head then
  insert into keelson_events (log, position, version, recorded_at, schema_version, id, stream, type, data, metadata, tags)
  select in_log, starts[g.part] + g.at, version_starts[g.part] + g.at, the_time, g.schema, g.id, in_streams[part_stream[g.part]],
  g.type, g.data::json, g.metadata::json, g.tags::text[]
  from unnest(event_part, event_ids, event_types, event_schemas, event_data, event_metadata, event_tags) with ordinality
  g (part, id, type, schema, data, metadata, tags, at)
  where outcomes[g.part] = 'ok';
  insert into keelson_event_streams as s (log, name, version)
  select in_log, in_streams[n.at], versions[n.at] from generate_subscripts(in_streams, 1) n (at) where touched[n.at]
  on conflict (log, name) do update set version = excluded.version;
  update keelson_event_logs l set head = next_position, recorded_at = the_time where l.id = in_log;
  end if;
  return query select * from unnest(outcomes, out_versions, out_positions);
  end $$
--------
create unlogged table keelson_event_watchers (
  channel text collate "C" not null, watcher uuid not null, until timestamptz not null, primary key (channel, watcher))
--------
create or replace function keelson_append_alone(
  in_log int, in_stream text, in_expected bigint, in_ids uuid[], in_types text[], in_schemas smallint[],
  in_data text[], in_metadata text[], in_tags text[])
  returns table (version bigint, "position" bigint) language plpgsql as $$
  declare
  count constant bigint := cardinality(in_ids);
  the_log record;
  begin
  update keelson_event_logs l set head = l.head + count, recorded_at = greatest(l.recorded_at, clock_timestamp())
  where l.id = in_log returning l.name, l.head, l.server, l.recorded_at into the_log;
  if right(the_log.server, 8) = keelson_timeline() then
  if in_expected <= 0 and in_expected > -2 then
  insert into keelson_event_streams as s (log, name, version) values (in_log, in_stream, count)
  on conflict (log, name) do update set version = s.version + count where in_expected = -1 and s.state = 'open'
  returning s.version into version;
  else
  update keelson_event_streams s set version = s.version + count
  where s.log = in_log and s.name = in_stream and s.state = 'open' and in_expected in (-2, s.version)
  returning s.version into version;
  end if;
  end if;
  if version is null then
  update keelson_event_logs l set head = l.head - count where l.id = in_log;
  return;
  end if;
  insert into keelson_events (log, position, version, recorded_at, schema_version, id, stream, type, data, metadata, tags)
  select in_log, the_log.head - count + g.at, version - count + g.at, the_log.recorded_at, g.schema, g.id, in_stream,
  g.type, g.data::json, g.metadata::json, g.tags::text[]
  from unnest(in_ids, in_types, in_schemas, in_data, in_metadata, in_tags) with ordinality g (id, type, schema, data, metadata, tags, at);
  "position" := the_log.head;
  return next;
  end $$
--------
create table keelson_migrations (owner text not null, version int not null, name text not null, applied_at timestamptz not null default now(), primary key (owner, version))
--------
insert into keelson_migrations (owner, version, name) values ('events', 1, 'tables'), ('events', 2, 'watchers')
--------
select * from keelson_event_log('main')
--------
select * from keelson_append_alone(1, 'order-1', -1, array['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002']::uuid[], array['OrderPlaced', 'OrderPaid'], array[1, 1]::smallint[], array['{"total":5}', '{"amount":5}'], array['{}', '{"actor":"ada"}'], array[null, '{order:1}'])
--------
select * from keelson_append_alone(1, 'old', -1, array['00000000-0000-4000-8000-000000000003']::uuid[], array['Closed'], array[1]::smallint[], array['null'], array['{}'], array[null]::text[])
--------
select * from keelson_append_alone(1, 'gone', -1, array['00000000-0000-4000-8000-000000000004']::uuid[], array['Closed'], array[1]::smallint[], array['{"name":"Ada"}'], array['{}'], array[null]::text[])
--------
select * from keelson_append_alone(1, 'person', -1, array['00000000-0000-4000-8000-000000000005']::uuid[], array['Registered'], array[1]::smallint[], array['{"person":"ada","name":{"$personal":"akD3IgqftzzFJ8E0P7Vh7P75DSdbSMqiTPwS/O6M9U62"}}'], array['{}'], array[null]::text[])
--------
select set_config('keelson.erase', 'on', false)
--------
update keelson_events set state = 'archived' where stream = 'old'
--------
update keelson_event_streams set state = 'archived' where name = 'old'
--------
update keelson_events set state = 'erased', digest = keelson_event_digest(data, metadata, tags), data = null, metadata = null, tags = null where stream = 'gone'
--------
update keelson_event_streams set state = 'tombstoned' where name = 'gone'
--------
insert into keelson_event_snapshots values (1, 'order-1', 'order', 1, 2, '{"paid":true}')
--------
insert into keelson_event_keys (subject, key) values ('ada', decode('0101010101010101010101010101010101010101010101010101010101010101', 'hex'))
