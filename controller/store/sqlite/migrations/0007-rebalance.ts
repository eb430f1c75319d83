/** Who asked for the rebalance that is under way. */
export const rebalance = `
alter table controller add column rebalance_by text;
`;
