-- How many requests a key may make within ten seconds: one of the tiers that the platform's limiters are bound for. NULL: the highest.
ALTER TABLE api_keys ADD COLUMN rate_limit INTEGER CHECK (rate_limit IN (100, 1000, 10000));
