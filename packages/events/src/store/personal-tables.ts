/** Keys of persons, and how one is destroyed: in one statement, with all that was made of what it opened. */
import type { Migration } from '@keelson/kernel'

export const personalMigration: Migration = {
  version: 5,
  name: 'keys of persons by log, and how they are destroyed',
  statements: [
    // Keys of before are of log 0: each log goes on with its own copy from the first use, so that one can destroy it without the others.
    'alter table keelson_event_keys add column log int not null default 0',
    'alter table keelson_event_keys drop constraint keelson_event_keys_pkey, add primary key (log, subject)',
    'alter table keelson_event_logs add column shreds bigint not null default 0',
    'create index keelson_event_acts_subject on keelson_event_acts (log, subject)',
    `create function keelson_person_hash(in_subject text) returns text language sql immutable as
      $$ select encode(sha256(convert_to(in_subject, 'UTF8')), 'hex') $$`,
    // A key that came back with a backup stays destroyed.
    `create function keelson_person_keys(in_log int, in_subjects text[]) returns table (subject text, key bytea, is_shredded boolean)
    language sql stable as $$
      select distinct on (k.subject) k.subject, k.key, k.key is null or exists (select from keelson_event_acts a
          where a.log = in_log and a.kind = 'shred' and a.subject = keelson_person_hash(k.subject))
        from keelson_event_keys k where k.log in (0, in_log) and k.subject = any (in_subjects) order by k.subject, k.log desc $$`,
    // In the order of the subjects, so that two who make keys of the same persons cannot wait for each other.
    `create function keelson_make_keys(in_log int, in_subjects text[], in_keys text[]) returns void language sql as $$
      insert into keelson_event_keys (log, subject, key)
        select in_log, n.subject, decode(n.key, 'hex') from unnest(in_subjects, in_keys) n (subject, key) order by n.subject
        on conflict do nothing $$`,
    // Texts of JSON are searched as texts: what JSON holds need not be a text of SQL.
    `create function keelson_shred(in_log int, in_subject text, in_needle text, in_types text[]) returns boolean language plpgsql as $$
    declare was_there boolean;
    begin
      select exists (select from keelson_person_keys(in_log, array[in_subject]) k where not k.is_shredded) into was_there;
      insert into keelson_event_keys (log, subject, key, shredded_at) values (in_log, in_subject, null, now())
        on conflict (log, subject) do update set key = null, shredded_at = coalesce(keelson_event_keys.shredded_at, now());
      if (select count(*) from keelson_event_logs) = 1 then
        update keelson_event_keys k set key = null, shredded_at = now() where k.log = 0 and k.subject = in_subject and k.key is not null;
      end if;
      delete from keelson_event_snapshots n where n.log = in_log and n.stream in (select e.stream from keelson_events e
        where e.log = in_log and e.type = any (in_types) and strpos(e.data::text, in_needle) > 0);
      update keelson_event_logs l set shreds = l.shreds + 1 where l.id = in_log;
      if was_there then perform keelson_note_act(in_log, 'shred', keelson_person_hash(in_subject), 0); end if;
      return was_there;
    end $$`,
  ],
}
