/**
 * Outputs of commands and of release phases are encrypted, in chunks, and so are the names and URLs of the buildpacks of an app. `bytes` counts
 * the text before its encryption. A null key: the text is in clear, from an older version. The controller encrypts it at its next start.
 */
export const sealedOutputs = `
create table output_chunks (
  seq integer primary key autoincrement,
  app_id text not null references apps (id),
  task_id text references commands (task_id) on delete cascade,
  version integer,
  bytes integer not null,
  text text not null,
  key_id text,
  foreign key (app_id, version) references releases (app_id, version) on delete cascade
) strict;
create index output_chunks_by_task on output_chunks (task_id, seq);
create index output_chunks_by_release on output_chunks (app_id, version, seq);
create index output_chunks_by_key on output_chunks (key_id);

insert into output_chunks (app_id, task_id, bytes, text)
  select app_id, task_id, length(cast(output as blob)), output from commands where output <> '' order by number;
insert into output_chunks (app_id, version, bytes, text)
  select app_id, version, length(cast(output as blob)), output from release_outputs;
alter table commands drop column output;
drop table release_outputs;

alter table build_settings add column buildpacks_key_id text;
create index build_settings_by_key on build_settings (buildpacks_key_id);

update controller set clear_text = 1 where exists (select 1 from output_chunks) or exists (select 1 from build_settings);
`;
