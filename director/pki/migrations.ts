/** One entry per version of the book (SQLite's user_version). Append new ones; never edit one. */
export const MIGRATIONS: readonly string[] = [
  `
  -- A token's secret is stored as its SHA-256.
  CREATE TABLE token (
    hash TEXT PRIMARY KEY,
    role TEXT NOT NULL,
    name TEXT,
    ends_at INTEGER NOT NULL,
    used_at INTEGER,
    used_by TEXT
  ) STRICT;
  -- Who has a certificate, and until when the newest is valid.
  CREATE TABLE holder (
    role TEXT NOT NULL,
    name TEXT NOT NULL,
    not_after INTEGER NOT NULL,
    PRIMARY KEY (role, name)
  ) STRICT;
  CREATE TABLE revocation (
    host_id TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    came_back INTEGER NOT NULL
  ) STRICT;
  `,
  `
  -- The newest certificate of a name, and the one before, until the newest has been shown. NULL: not known yet.
  ALTER TABLE holder ADD COLUMN serial TEXT;
  ALTER TABLE holder ADD COLUMN predecessor TEXT;
  ALTER TABLE holder ADD COLUMN not_before INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE token ADD COLUMN made_at INTEGER NOT NULL DEFAULT 0;
  -- When it was found that the book before this one was lost.
  CREATE TABLE loss (at INTEGER NOT NULL) STRICT;
  `,
]
