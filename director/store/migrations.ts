import { VIP_NUMBERS } from '../../shared/sqlite/vip-numbers.ts'

/** One entry per version of the state file (SQLite's user_version). Append new ones; never edit one. */
export const MIGRATIONS: readonly string[] = [
  `
  -- Numbers that name things in the switch. They outlive what they name for as long as the file exists, because
  -- connection table entries, group buckets and a restarted director go by them.
  CREATE TABLE number (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (kind, name),
    UNIQUE (kind, number)
  ) STRICT;
  -- The last registration of every host, so that a restart changes nothing.
  CREATE TABLE host (
    host_id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    state TEXT NOT NULL,
    host_mac TEXT NOT NULL,
    host_ip TEXT NOT NULL,
    version TEXT NOT NULL,
    real_servers TEXT NOT NULL
  ) STRICT;
  -- The text in force of every service file: one that is broken while the director is down keeps its last good version.
  CREATE TABLE service_file (
    file TEXT PRIMARY KEY,
    text TEXT NOT NULL
  ) STRICT;
  `,
  `
  -- One real server a row, so that one that changes is all that is written.
  CREATE TABLE real_server (
    host_id TEXT NOT NULL REFERENCES host (host_id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    report TEXT NOT NULL,
    PRIMARY KEY (host_id, id)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO real_server (host_id, id, report)
    SELECT host_id, json_extract(value, '$.id'), value FROM host, json_each(host.real_servers);
  ALTER TABLE host DROP COLUMN real_servers;
  `,
  `
  -- What a service file's text says, and how to tell that it is still the same file: it need not be read again then.
  ALTER TABLE service_file ADD COLUMN identity TEXT NOT NULL DEFAULT '';
  ALTER TABLE service_file ADD COLUMN specs TEXT NOT NULL DEFAULT '';
  `,
  `
  -- When the switch's connection table was lost last, in milliseconds since 1970.
  CREATE TABLE table_loss (
    at INTEGER NOT NULL
  ) STRICT;
  `,
  `
  -- Numbers that were given once and are nobody's now; the one that has been free longest first.
  CREATE TABLE free_number (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    number INTEGER NOT NULL,
    UNIQUE (kind, number)
  ) STRICT;
  `,
  VIP_NUMBERS,
  `
  -- Services in force that only hosts have.
  CREATE TABLE host_service (
    key TEXT PRIMARY KEY,
    service TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
]
