/** The quotas that an administrator has set for one user, as a JSON object. Other quotas have the value of the fleet. */
export const quotas = `
alter table users add column quotas text not null default '{}';
`;
