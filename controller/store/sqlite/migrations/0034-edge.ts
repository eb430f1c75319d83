/**
 * `front_proxies`: who may say for whom a request is. `entry` is an address, a network, or a name of networks. `edge_labels`: labels of the
 * nodes that answer HTTPS.
 */
export const edge = `
create table front_proxies (
  entry text primary key,
  proxy_protocol integer not null
) strict;

alter table controller add column edge_labels text not null default '{}';
`;
