/** An index on the build of a release: when a build is removed, SQLite looks for releases that refer to it. */
export const history = `
create index releases_by_build on releases (build_id);
`;
