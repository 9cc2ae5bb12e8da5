/** One entry a version of the state file (SQLite's user_version); append, never edit. */
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
]
