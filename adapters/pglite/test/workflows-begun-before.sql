SET check_function_bodies = false
-- next
CREATE FUNCTION public.keelson_append(in_log integer, in_streams text[], part_append integer[], part_stream integer[], part_expected bigint[], part_size integer[], event_part integer[], event_ids uuid[], event_types text[], event_schemas smallint[], event_data text[], event_metadata text[], event_tags text[], condition_tags text[], condition_types text[], condition_after bigint) RETURNS TABLE(outcome text, version bigint, "position" bigint)
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
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
-- next
CREATE FUNCTION public.keelson_append_alone(in_log integer, in_stream text, in_expected bigint, in_ids uuid[], in_types text[], in_schemas smallint[], in_data text[], in_metadata text[], in_tags text[]) RETURNS TABLE(version bigint, "position" bigint)
    LANGUAGE plpgsql
    AS $$
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
-- next
CREATE FUNCTION public.keelson_event_digest(in_data json, in_metadata json, in_tags text[]) RETURNS bytea
    LANGUAGE sql IMMUTABLE
    AS $$ select sha256(convert_to(in_data::text || chr(10) || in_metadata::text || chr(10) || coalesce(in_tags::text, ''), 'UTF8')) $$
-- next
CREATE FUNCTION public.keelson_event_log(in_name text) RETURNS TABLE(id integer, epoch integer, head bigint)
    LANGUAGE plpgsql
    AS $$
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
-- next
CREATE FUNCTION public.keelson_event_seal(in_log integer, in_after bigint, in_position bigint, in_seal bytea) RETURNS bytea
    LANGUAGE sql STABLE
    AS $$
        select sha256(in_seal || convert_to(coalesce(string_agg(
          concat_ws('|', e.position, e.version, e.stream, e.type, e.schema_version, e.id,
            encode(coalesce(e.digest, keelson_event_digest(e.data, e.metadata, e.tags)), 'hex')), chr(10) order by e.position), ''), 'UTF8'))
        from keelson_events e where e.log = in_log and e.position > in_after and e.position <= in_position $$
-- next
CREATE FUNCTION public.keelson_events_meeting(in_log integer, in_tags text[], in_types text[], in_after bigint) RETURNS bigint
    LANGUAGE plpgsql
    SET enable_bitmapscan TO 'on'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
      begin
        return (select max(e.position) from keelson_events e where e.log = in_log and e.position > in_after and e.tags @> in_tags
          and (in_types is null or e.type = any (in_types)));
      end $$
-- next
CREATE FUNCTION public.keelson_events_stay() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
      begin
        if current_setting('keelson.erase', true) is distinct from 'on' then
          raise exception 'events are never changed or deleted' using errcode = '42501';
        end if;
        return case tg_op when 'DELETE' then old else new end;
      end $$
-- next
CREATE FUNCTION public.keelson_server() RETURNS text
    LANGUAGE sql STABLE
    AS $$ select system_identifier::text || '/' || keelson_timeline() from pg_control_system() $$
-- next
CREATE FUNCTION public.keelson_timeline() RETURNS text
    LANGUAGE sql STABLE
    AS $$ select substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) $$
-- next
CREATE TABLE public.keelson_event_epochs (
    log integer NOT NULL,
    epoch integer NOT NULL,
    begins_after bigint NOT NULL,
    server text NOT NULL,
    begun_at timestamp with time zone DEFAULT now() NOT NULL
)
-- next
CREATE TABLE public.keelson_event_keys (
    subject text NOT NULL COLLATE pg_catalog."C",
    key bytea,
    shredded_at timestamp with time zone
)
-- next
CREATE TABLE public.keelson_event_logs (
    id integer NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    head bigint DEFAULT 0 NOT NULL,
    epoch integer DEFAULT 1 NOT NULL,
    server text NOT NULL,
    recorded_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL
)
WITH (fillfactor='20')
-- next
ALTER TABLE public.keelson_event_logs ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.keelson_event_logs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
)
-- next
CREATE TABLE public.keelson_event_seals (
    log integer NOT NULL,
    "position" bigint NOT NULL,
    seal bytea NOT NULL,
    sealed_at timestamp with time zone DEFAULT now() NOT NULL
)
-- next
CREATE TABLE public.keelson_event_snapshots (
    log integer NOT NULL,
    stream text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    shape integer NOT NULL,
    version bigint NOT NULL,
    state json NOT NULL
)
-- next
CREATE TABLE public.keelson_event_streams (
    log integer NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    state text DEFAULT 'open'::text NOT NULL
)
WITH (fillfactor='70')
-- next
CREATE UNLOGGED TABLE public.keelson_event_watchers (
    channel text NOT NULL COLLATE pg_catalog."C",
    watcher uuid NOT NULL,
    until timestamp with time zone NOT NULL
)
-- next
CREATE TABLE public.keelson_events (
    log integer NOT NULL,
    "position" bigint NOT NULL,
    version bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    schema_version smallint NOT NULL,
    state text DEFAULT 'live'::text NOT NULL,
    id uuid NOT NULL,
    stream text NOT NULL COLLATE pg_catalog."C",
    type text NOT NULL COLLATE pg_catalog."C",
    data json,
    metadata json,
    tags text[],
    digest bytea
)
-- next
CREATE TABLE public.keelson_migrations (
    owner text NOT NULL,
    version integer NOT NULL,
    name text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
)
-- next
CREATE TABLE public.keelson_process_starts (
    log text NOT NULL COLLATE pg_catalog."C",
    process text NOT NULL COLLATE pg_catalog."C",
    "position" bigint DEFAULT 0 NOT NULL,
    epoch integer DEFAULT 0 NOT NULL
)
-- next
CREATE TABLE public.keelson_processes (
    log text NOT NULL COLLATE pg_catalog."C",
    process text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    version integer NOT NULL,
    status text NOT NULL,
    wake_at bigint,
    changes bigint DEFAULT 0 NOT NULL,
    owner text,
    lease_until timestamp with time zone,
    waiting_for text[] DEFAULT '{}'::text[] NOT NULL,
    reason text,
    parent_process text,
    parent_id text,
    parent_key text,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
)
WITH (fillfactor='70')
-- next
CREATE TABLE public.keelson_scheduled_events (
    log text NOT NULL COLLATE pg_catalog."C",
    id uuid NOT NULL,
    due_at bigint NOT NULL,
    stream text NOT NULL,
    type text NOT NULL,
    schema_version integer NOT NULL,
    data json NOT NULL,
    metadata json NOT NULL,
    tags text[] NOT NULL
)
-- next
INSERT INTO public.keelson_event_logs OVERRIDING SYSTEM VALUE VALUES (1, 'main', 25, 1, '7714083549023662909/00000001', '2020-09-13 21:43:59.761957+00')
-- next
INSERT INTO public.keelson_event_streams VALUES (1, 'o-1', 1, 'open')
-- next
INSERT INTO public.keelson_event_streams VALUES (1, 'process-invoice-o-1', 3, 'open')
-- next
INSERT INTO public.keelson_event_streams VALUES (1, 'process-order-refund-7', 2, 'open')
-- next
INSERT INTO public.keelson_event_streams VALUES (1, 'process-sale-7', 2, 'open')
-- next
INSERT INTO public.keelson_event_streams VALUES (1, 'process-ship-7/parcel', 2, 'open')
-- next
INSERT INTO public.keelson_event_streams VALUES (1, 'process-quick-bad', 2, 'open')
-- next
INSERT INTO public.keelson_event_streams VALUES (1, 'process-quick-fine', 3, 'open')
-- next
INSERT INTO public.keelson_event_streams VALUES (1, 'process-early-e', 2, 'open')
-- next
INSERT INTO public.keelson_event_streams VALUES (1, 'process-flaky-f', 2, 'open')
-- next
INSERT INTO public.keelson_event_streams VALUES (1, 'process-nap-n', 4, 'open')
-- next
INSERT INTO public.keelson_event_streams VALUES (1, 'process-sale-9', 1, 'open')
-- next
INSERT INTO public.keelson_event_streams VALUES (1, 'process-ship-9/parcel', 1, 'open')
-- next
INSERT INTO public.keelson_events VALUES (1, 1, 1, '2020-09-13 21:43:58.518496+00', 1, 'live', '01a22e6a-2734-7eb0-b31c-ed66384266b2', 'o-1', 'OrderPlaced', '{}', '{}', NULL, NULL)
-- next
INSERT INTO public.keelson_events VALUES (1, 2, 1, '2020-09-13 21:43:58.546595+00', 1, 'live', '794eddce-9f25-89d0-adc7-0eff7d1179e7', 'process-invoice-o-1', 'ProcessStarted', '{"version":1,"input":null,"parent":null}', '{}', NULL, NULL)
-- next
INSERT INTO public.keelson_events VALUES (1, 3, 1, '2020-09-13 21:43:58.550072+00', 1, 'live', '8f4c0f3a-9970-878d-a47b-5fc8f38a1c7a', 'process-order-refund-7', 'ProcessStarted', '{"version":1,"input":null,"parent":null}', '{}', NULL, NULL)
-- next
INSERT INTO public.keelson_events VALUES (1, 4, 2, '2020-09-13 21:43:58.561466+00', 1, 'live', 'e9257bb7-0cfc-8cd1-a0ff-5f82476d3946', 'process-invoice-o-1', 'ProcessStepCompleted', '{"key":"send","result":"sent"}', '{"correlationId":"o-1","at":1600000038559}', NULL, NULL)
-- next
INSERT INTO public.keelson_events VALUES (1, 5, 1, '2020-09-13 21:43:58.567827+00', 1, 'live', '5e49ae45-f0b9-82a7-a47b-d8c0cf369106', 'process-sale-7', 'ProcessStarted', '{"version":1,"input":null,"parent":null}', '{}', NULL, NULL)
-- next
INSERT INTO public.keelson_events VALUES (1, 6, 3, '2020-09-13 21:43:58.575184+00', 1, 'live', '383614e8-24e9-853f-afc4-bd61bd399555', 'process-invoice-o-1', 'ProcessCompleted', '{"output":"sent"}', '{}', NULL, NULL)
-- next
INSERT INTO public.keelson_events VALUES (1, 7, 1, '2020-09-13 21:43:58.579856+00', 1, 'live', '363eeb80-7eb5-8d88-a2ea-6179756dd0df', 'process-early-e', 'ProcessStarted', '{"version":1,"input":null,"parent":null}', '{}', NULL, NULL)
-- next
INSERT INTO public.keelson_events VALUES (1, 8, 2, '2020-09-13 21:43:58.581011+00', 1, 'live', 'b7f92ae6-2e32-8d6e-acc9-6165f829d671', 'process-order-refund-7', 'ProcessStepCompleted', '{"key":"charge","result":"order"}', '{"correlationId":"refund-7","at":1600000038578}', NULL, NULL)
-- next
INSERT INTO public.keelson_events VALUES (1, 9, 1, '2020-09-13 21:43:58.586445+00', 1, 'live', '370be18d-8d48-8c27-a34d-dfacb152f120', 'process-ship-7/parcel', 'ProcessStarted', '{"version":1,"input":"goods","parent":{"process":"sale","id":"7","key":"parcel"}}', '{}', NULL, NULL)
-- next
INSERT INTO public.keelson_events VALUES (1, 10, 1, '2020-09-13 21:43:58.590168+00', 1, 'live', 'f3e15086-79cd-863a-a267-3a8af4bd7e8c', 'process-quick-fine', 'ProcessStarted', '{"version":1,"input":null,"parent":null}', '{}', NULL, NULL)
-- next
INSERT INTO public.keelson_events VALUES (1, 11, 2, '2020-09-13 21:43:58.592621+00', 1, 'live', 'f37694cf-2bea-8bfd-a34d-fb435aea9f19', 'process-sale-7', 'ProcessChildStarted', '{"key":"parcel","process":"ship","id":"7/parcel"}', '{"at":1600000038591}', NULL, NULL)
-- next
INSERT INTO public.keelson_events VALUES (1, 12, 1, '2020-09-13 21:43:58.595569+00', 1, 'live', '4ce53278-eb96-86bc-af98-a88366f61fec', 'process-quick-bad', 'ProcessStarted', '{"version":1,"input":"bad","parent":null}', '{}', NULL, NULL)
-- next
INSERT INTO public.keelson_events VALUES (1, 13, 2, '2020-09-13 21:43:58.599624+00', 1, 'live', 'b4d053f8-f6e1-888b-ae9b-c0287863a81e', 'process-ship-7/parcel', 'ProcessStepCompleted', '{"key":"pack","result":"goods"}', '{"correlationId":"7/parcel","at":1600000038596}', NULL, NULL)
-- next
INSERT INTO public.keelson_events VALUES (1, 14, 2, '2020-09-13 21:43:58.611052+00', 1, 'live', '29e8e4ac-e79d-8a23-a70e-d6754ef96931', 'process-quick-fine', 'ProcessStepCompleted', '{"key":"one","result":"done"}', '{"correlationId":"fine","at":1600000038609}', NULL, NULL)
-- next
INSERT INTO public.keelson_events VALUES (1, 15, 2, '2020-09-13 21:43:58.613312+00', 1, 'live', '397c95ac-e37e-8aa7-ac41-db4e4d818f6a', 'process-quick-bad', 'ProcessFailed', '{"error":{"code":null,"message":"no such customer"}}', '{}', NULL, NULL)
-- next
INSERT INTO public.keelson_events VALUES (1, 16, 3, '2020-09-13 21:43:58.61632+00', 1, 'live', 'ad74fc4e-0623-8e4b-ae13-bdddc3f8b7bb', 'process-quick-fine', 'ProcessCompleted', '{"output":"done"}', '{}', NULL, NULL)
-- next
INSERT INTO public.keelson_events VALUES (1, 17, 2, '2020-09-13 21:43:59.229505+00', 1, 'live', 'bfa83aac-d9a7-845b-afeb-2cca5d01f494', 'process-early-e', 'ProcessSignalReceived', '{"name":"late","value":"kept"}', '{}', NULL, NULL)
-- next
INSERT INTO public.keelson_events VALUES (1, 18, 1, '2020-09-13 21:43:59.242589+00', 1, 'live', '56dfecec-5f13-8581-a4e4-1db88624e655', 'process-nap-n', 'ProcessStarted', '{"version":1,"input":null,"parent":null}', '{}', NULL, NULL)
-- next
INSERT INTO public.keelson_events VALUES (1, 19, 1, '2020-09-13 21:43:59.247528+00', 1, 'live', '380ac6fc-a28b-84d5-a24c-01e8c8b352e2', 'process-flaky-f', 'ProcessStarted', '{"version":1,"input":null,"parent":null}', '{}', NULL, NULL)
-- next
INSERT INTO public.keelson_events VALUES (1, 20, 2, '2020-09-13 21:43:59.253697+00', 1, 'live', '3555c180-6c70-815f-a90b-455465e03b4d', 'process-nap-n', 'ProcessStepCompleted', '{"key":"item","result":1}', '{"correlationId":"n","at":1600000039249}', NULL, NULL)
-- next
INSERT INTO public.keelson_events VALUES (1, 21, 3, '2020-09-13 21:43:59.256501+00', 1, 'live', 'b503021b-fe72-845a-a0fb-c5082adeef2b', 'process-nap-n', 'ProcessStepCompleted', '{"key":"item #2","result":2}', '{"correlationId":"n","at":1600000039255}', NULL, NULL)
-- next
INSERT INTO public.keelson_events VALUES (1, 22, 2, '2020-09-13 21:43:59.259092+00', 1, 'live', '55aca200-9f1c-80ae-a43d-1ced7d1326ff', 'process-flaky-f', 'ProcessStepFailed', '{"key":"try","attempt":1,"error":{"code":null,"message":"not yet"},"retryAt":1600000040758}', '{"at":1600000039258}', NULL, NULL)
-- next
INSERT INTO public.keelson_events VALUES (1, 23, 4, '2020-09-13 21:43:59.261111+00', 1, 'live', '4f02a7cc-0c58-8c23-a24a-f955415b8b60', 'process-nap-n', 'ProcessTimerSet', '{"key":"nap","at":1600000040760}', '{"at":1600000039260}', NULL, NULL)
-- next
INSERT INTO public.keelson_events VALUES (1, 24, 1, '2020-09-13 21:43:59.759004+00', 1, 'live', '33ba0f84-e128-8ae5-a141-c5a3898556b1', 'process-sale-9', 'ProcessStarted', '{"version":1,"input":null,"parent":null}', '{}', NULL, NULL)
-- next
INSERT INTO public.keelson_events VALUES (1, 25, 1, '2020-09-13 21:43:59.761957+00', 1, 'live', '5a7b8e1c-ac83-8b01-aa51-a62af23e04f2', 'process-ship-9/parcel', 'ProcessStarted', '{"version":1,"input":"goods","parent":{"process":"sale","id":"9","key":"parcel"}}', '{}', NULL, NULL)
-- next
INSERT INTO public.keelson_migrations VALUES ('events', 1, 'events, streams, logs and the function that appends', '2020-09-13 21:43:58.469559+00')
-- next
INSERT INTO public.keelson_migrations VALUES ('events', 2, 'who waits for events in other processes, and the short way for one append', '2020-09-13 21:43:58.469559+00')
-- next
INSERT INTO public.keelson_migrations VALUES ('processes', 1, 'instances, what starts them, and scheduled events', '2020-09-13 21:43:58.524556+00')
-- next
INSERT INTO public.keelson_process_starts VALUES ('main', 'invoice', 23, 1)
-- next
INSERT INTO public.keelson_processes VALUES ('main', 'invoice', 'o-1', 1, 'completed', NULL, 0, NULL, NULL, '{}', NULL, NULL, NULL, NULL, '2020-09-13 21:43:58.542373+00', '2020-09-13 21:43:58.564452+00')
-- next
INSERT INTO public.keelson_processes VALUES ('main', 'order', 'refund-7', 1, 'waiting', NULL, 0, NULL, NULL, '{go}', NULL, NULL, NULL, NULL, '2020-09-13 21:43:58.543074+00', '2020-09-13 21:43:58.592287+00')
-- next
INSERT INTO public.keelson_processes VALUES ('main', 'sale', '7', 1, 'waiting', NULL, 0, NULL, NULL, '{parcel}', NULL, NULL, NULL, NULL, '2020-09-13 21:43:58.563123+00', '2020-09-13 21:43:58.598993+00')
-- next
INSERT INTO public.keelson_processes VALUES ('main', 'ship', '7/parcel', 1, 'waiting', NULL, 0, NULL, NULL, '{shipped}', NULL, 'sale', '7', 'parcel', '2020-09-13 21:43:58.583038+00', '2020-09-13 21:43:58.605038+00')
-- next
INSERT INTO public.keelson_processes VALUES ('main', 'quick', 'bad', 1, 'failed', NULL, 0, NULL, NULL, '{}', 'no such customer', NULL, NULL, NULL, '2020-09-13 21:43:58.594323+00', '2020-09-13 21:43:58.611688+00')
-- next
INSERT INTO public.keelson_processes VALUES ('main', 'quick', 'fine', 1, 'completed', NULL, 0, NULL, NULL, '{}', NULL, NULL, NULL, NULL, '2020-09-13 21:43:58.583918+00', '2020-09-13 21:43:58.614053+00')
-- next
INSERT INTO public.keelson_processes VALUES ('main', 'early', 'e', 1, 'waiting', NULL, 1, NULL, NULL, '{go}', NULL, NULL, NULL, NULL, '2020-09-13 21:43:58.57492+00', '2020-09-13 21:43:59.240855+00')
-- next
INSERT INTO public.keelson_processes VALUES ('main', 'flaky', 'f', 1, 'waiting', 1600000040758, 0, NULL, NULL, '{try}', NULL, NULL, NULL, NULL, '2020-09-13 21:43:59.246569+00', '2020-09-13 21:43:59.26165+00')
-- next
INSERT INTO public.keelson_processes VALUES ('main', 'nap', 'n', 1, 'waiting', 1600000040760, 0, NULL, NULL, '{nap}', NULL, NULL, NULL, NULL, '2020-09-13 21:43:59.239599+00', '2020-09-13 21:43:59.266032+00')
-- next
INSERT INTO public.keelson_processes VALUES ('main', 'sale', '9', 1, 'running', 1600000039757, 0, NULL, NULL, '{}', NULL, NULL, NULL, NULL, '2020-09-13 21:43:59.758057+00', '2020-09-13 21:43:59.758057+00')
-- next
INSERT INTO public.keelson_processes VALUES ('main', 'ship', '9/parcel', 1, 'running', 1600000039760, 0, NULL, NULL, '{}', NULL, 'sale', '9', 'parcel', '2020-09-13 21:43:59.761034+00', '2020-09-13 21:43:59.761034+00')
-- next
INSERT INTO public.keelson_scheduled_events VALUES ('main', '01a22e6a-2a02-743c-a781-df8c9419adb3', 1600000041233, 'reminders', 'Reminded', 1, '{"to":"ada"}', '{}', '{}')
-- next
SELECT pg_catalog.setval('public.keelson_event_logs_id_seq', 1, true)
-- next
ALTER TABLE ONLY public.keelson_event_epochs
    ADD CONSTRAINT keelson_event_epochs_pkey PRIMARY KEY (log, epoch)
-- next
ALTER TABLE ONLY public.keelson_event_keys
    ADD CONSTRAINT keelson_event_keys_pkey PRIMARY KEY (subject)
-- next
ALTER TABLE ONLY public.keelson_event_logs
    ADD CONSTRAINT keelson_event_logs_name_key UNIQUE (name)
-- next
ALTER TABLE ONLY public.keelson_event_logs
    ADD CONSTRAINT keelson_event_logs_pkey PRIMARY KEY (id)
-- next
ALTER TABLE ONLY public.keelson_event_seals
    ADD CONSTRAINT keelson_event_seals_pkey PRIMARY KEY (log, "position")
-- next
ALTER TABLE ONLY public.keelson_event_snapshots
    ADD CONSTRAINT keelson_event_snapshots_pkey PRIMARY KEY (log, stream, name)
-- next
ALTER TABLE ONLY public.keelson_event_streams
    ADD CONSTRAINT keelson_event_streams_pkey PRIMARY KEY (log, name)
-- next
ALTER TABLE ONLY public.keelson_event_watchers
    ADD CONSTRAINT keelson_event_watchers_pkey PRIMARY KEY (channel, watcher)
-- next
ALTER TABLE ONLY public.keelson_events
    ADD CONSTRAINT keelson_events_log_stream_version_key UNIQUE (log, stream, version)
-- next
ALTER TABLE ONLY public.keelson_events
    ADD CONSTRAINT keelson_events_pkey PRIMARY KEY (log, "position")
-- next
ALTER TABLE ONLY public.keelson_migrations
    ADD CONSTRAINT keelson_migrations_pkey PRIMARY KEY (owner, version)
-- next
ALTER TABLE ONLY public.keelson_process_starts
    ADD CONSTRAINT keelson_process_starts_pkey PRIMARY KEY (log, process)
-- next
ALTER TABLE ONLY public.keelson_processes
    ADD CONSTRAINT keelson_processes_pkey PRIMARY KEY (log, process, id)
-- next
ALTER TABLE ONLY public.keelson_scheduled_events
    ADD CONSTRAINT keelson_scheduled_events_pkey PRIMARY KEY (log, id)
-- next
CREATE UNIQUE INDEX keelson_events_id ON public.keelson_events USING btree (id)
-- next
CREATE INDEX keelson_events_tags ON public.keelson_events USING gin (tags) WHERE (tags IS NOT NULL)
-- next
CREATE INDEX keelson_processes_due ON public.keelson_processes USING btree (log, wake_at) WHERE (wake_at IS NOT NULL)
-- next
CREATE INDEX keelson_scheduled_events_due ON public.keelson_scheduled_events USING btree (log, due_at)
-- next
CREATE TRIGGER keelson_events_stay BEFORE DELETE OR UPDATE ON public.keelson_events FOR EACH ROW EXECUTE FUNCTION public.keelson_events_stay()
-- next
CREATE TRIGGER keelson_events_stay_all BEFORE TRUNCATE ON public.keelson_events FOR EACH STATEMENT EXECUTE FUNCTION public.keelson_events_stay()
