/** The quotas that an administrator has set for one user, as a JSON object; absent ones are the fleet's. */
export const quotas = `
alter table users add column quotas text not null default '{}';
`;
