/**
 * Config values are encrypted. `key_id` names the key; null: the value is in clear text, from an older version. SQL cannot encrypt, so the
 * controller encrypts these values at its next start. `clear_text` is 1 until no free page of the file can have a value in clear text.
 */
export const configKeys = `
alter table config_vars add column key_id text;
create index config_vars_by_key on config_vars (key_id);
alter table releases add column config_key_id text;
create index releases_by_config_key on releases (config_key_id);
alter table controller add column clear_text integer not null default 0;
update controller set clear_text = exists (select 1 from users);
`;
