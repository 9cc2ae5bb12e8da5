import { VIP_NUMBERS } from '../../shared/sqlite/vip-numbers.ts'

/** Migrations of the agent's state file. Append new ones; never edit a released one. */
export const MIGRATIONS = [
  `
  -- Single values: what the director said, the last outcome, the host's own numbers.
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  -- Last good text of every local service file.
  CREATE TABLE service_files (file TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
  -- What the director sent.
  CREATE TABLE director_documents (file TEXT NOT NULL, line INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (file, line)) WITHOUT ROWID;
  -- Numbers that stay with a real server: cookie object and ingress port.
  CREATE TABLE real_servers (
    key TEXT PRIMARY KEY, id INTEGER NOT NULL UNIQUE, vip TEXT NOT NULL, protocol TEXT NOT NULL, ingress_port INTEGER NOT NULL,
    UNIQUE (vip, protocol, ingress_port)
  ) WITHOUT ROWID;
  -- What was added inside guests, so that only that is taken out again.
  CREATE TABLE guest_vips (
    vm_uuid TEXT NOT NULL, mac TEXT NOT NULL, vip TEXT NOT NULL, nic TEXT NOT NULL, address_added INTEGER NOT NULL, file TEXT,
    PRIMARY KEY (vm_uuid, mac, vip)
  ) WITHOUT ROWID;
  -- Local VMs as libvirt last told of them.
  CREATE TABLE domains (uuid TEXT PRIMARY KEY, domain TEXT NOT NULL) WITHOUT ROWID;
  -- What the bridge must hold, in ovs-ofctl's notation, by the object it is for.
  CREATE TABLE desired_flows (object TEXT NOT NULL, flow TEXT NOT NULL, PRIMARY KEY (object, flow)) WITHOUT ROWID;
  `,
  `
  -- One row an object, its flows one a line: a row a flow cost a third of a cold start.
  CREATE TABLE desired_objects (object TEXT PRIMARY KEY, flows TEXT NOT NULL) WITHOUT ROWID;
  INSERT INTO desired_objects SELECT object, group_concat(flow, char(10)) FROM desired_flows GROUP BY object;
  DROP TABLE desired_flows;
  `,
  `
  -- In which run of its VM (libvirt's id) a real server was ready last; one row each, for one changes at a time.
  CREATE TABLE ready_runs (key TEXT PRIMARY KEY, run INTEGER NOT NULL) WITHOUT ROWID;
  INSERT INTO ready_runs SELECT key, value FROM json_each(COALESCE((SELECT value FROM meta WHERE key = 'ready'), '{}'));
  DELETE FROM meta WHERE key = 'ready';
  `,
  `
  -- What an object's flows were made of: while it is the same, the row need not be written again.
  ALTER TABLE desired_objects ADD COLUMN signature TEXT NOT NULL DEFAULT '';
  `,
  `
  -- What a service file's text says, and how to tell that it is still the same file: it need not be read again then.
  ALTER TABLE service_files ADD COLUMN identity TEXT NOT NULL DEFAULT '';
  ALTER TABLE service_files ADD COLUMN specs TEXT NOT NULL DEFAULT '';
  `,
  `
  -- Fingerprints of the flows, so that they need not be made to be compared, apart from their texts, which no start reads.
  -- In the order of writing: among keys in order, rows as long as these leave half of the file empty.
  DROP TABLE desired_objects;
  CREATE TABLE desired_objects (object TEXT PRIMARY KEY, flows TEXT NOT NULL);
  CREATE TABLE desired_prints (object TEXT PRIMARY KEY, signature TEXT NOT NULL, prints BLOB NOT NULL);
  `,
  `
  -- Services in force, of host and directors together: over a restart, too, a newcomer gives way to them.
  CREATE TABLE services (service TEXT PRIMARY KEY, spec TEXT NOT NULL) WITHOUT ROWID;
  `,
  `
  -- What each director sent. Before, there was only what the last one had sent: it is the first director's.
  CREATE TABLE documents_by_director (
    director TEXT NOT NULL, file TEXT NOT NULL, line INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (director, file, line)
  ) WITHOUT ROWID;
  INSERT INTO documents_by_director
    SELECT COALESCE((SELECT json_extract(value, '$[0][0]') FROM meta WHERE key = 'directors'), ''), file, line, text
    FROM director_documents;
  DROP TABLE director_documents;
  `,
  VIP_NUMBERS,
  `
  -- What was changed in a guest's configuration, as JSON (GuestEdit). Before, it could only be one file.
  ALTER TABLE guest_vips ADD COLUMN edits TEXT NOT NULL DEFAULT '[]';
  UPDATE guest_vips SET edits = json_array(json_object('kind', 'file', 'path', file, 'folders', json_array()))
    WHERE file IS NOT NULL;
  ALTER TABLE guest_vips DROP COLUMN file;
  `,
] as const
