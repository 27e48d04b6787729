-- Who is signed in to the console: a session stands for the admin key that it was made with, and ends with it.

-- The digest of the cookie leads to a session, as the digest of a key leads to a key.
CREATE TABLE console_sessions (
  digest TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (account_id),
  session_id TEXT NOT NULL,
  key_id TEXT NOT NULL,
  key_digest TEXT NOT NULL,
  -- The sign-in link that made it, if one did: a link makes one session.
  link_digest TEXT,
  ip TEXT NOT NULL,
  user_agent TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  revoked_at_ms INTEGER
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX console_sessions_by_account ON console_sessions (account_id, session_id);
CREATE UNIQUE INDEX console_sessions_by_link ON console_sessions (account_id, link_digest) WHERE link_digest IS NOT NULL;
