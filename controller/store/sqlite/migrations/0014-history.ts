/** The releases of a build: builds are removed one day, and SQLite looks for releases that refer to them. */
export const history = `
create index releases_by_build on releases (build_id);
`;
