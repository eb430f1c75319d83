/**
 * The scripts of app.json that run when a release is live. A row is written in the transaction that makes the release current, and removed when
 * the script has ended. So a crash forgets no script, and a script that has ended never runs again.
 */
export const dueScripts = `
create table due_scripts (
  app_id text not null,
  version integer not null,
  script text not null,
  primary key (app_id, version, script),
  foreign key (app_id, version) references releases (app_id, version) on delete cascade
) strict;
`;
