/** The build settings of apps. Buildpacks are a JSON array. An app without a row has the defaults. */
export const buildSettings = `
create table build_settings (
  app_id text primary key references apps (id),
  root text,
  buildpacks text not null
) strict;
`;
