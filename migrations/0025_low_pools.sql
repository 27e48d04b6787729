-- Pools that are nearly dry: less than a tenth is left of what they were ever given, and they refuse at 0. Found by an index of their own,
-- for a list that is looked at all the time and nearly always short. What it rests on is in the body, whose bigints are objects of their digits.
ALTER TABLE credit_pools ADD COLUMN is_low INTEGER GENERATED ALWAYS AS (
  status = 'DEPLETED' OR (
    status = 'ACTIVE' AND body ->> '$.hardLimit'
    AND CAST(body ->> '$.balanceE4."$bigint"' AS REAL) * 10 < CAST(body ->> '$.grantedE4."$bigint"' AS REAL)
  )
) VIRTUAL;

CREATE INDEX credit_pools_by_lowness ON credit_pools (account_id, is_low, created_at_ms DESC, pool_id DESC) WHERE is_low = 1;
