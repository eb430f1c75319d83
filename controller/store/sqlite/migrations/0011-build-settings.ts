/** What owners of apps have set about their builds. Buildpacks are a JSON array; apps without a row have the defaults. */
export const buildSettings = `
create table build_settings (
  app_id text primary key references apps (id),
  root text,
  buildpacks text not null
) strict;
`;
