-- A slug is an account's name in public addresses: it must lead to one account.
CREATE UNIQUE INDEX accounts_by_slug ON accounts (settings ->> '$.slug') WHERE settings ->> '$.slug' IS NOT NULL;
