/** What an administrator has allowed one user beside the fleet's numbers, as a JSON object. */
export const quotas = `
alter table users add column quotas text not null default '{}';
`;
