/**
 * What made a release, the release whose slug it took again, and whether its slug is kept for ever. Before this version, a release without a
 * build was a config change. Null in `releases_kept` means the default.
 */
export const releases = `
alter table releases add column cause text not null default 'deploy';
alter table releases add column source_version integer;
alter table releases add column pinned integer not null default 0;
update releases set cause = 'config' where build_id is null;
alter table apps add column releases_kept integer;
create table release_outputs (
  app_id text not null,
  version integer not null,
  output text not null,
  primary key (app_id, version),
  foreign key (app_id, version) references releases (app_id, version) on delete cascade
) strict;
`;
