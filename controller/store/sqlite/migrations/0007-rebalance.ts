/** The user who started the running rebalance. */
export const rebalance = `
alter table controller add column rebalance_by text;
`;
