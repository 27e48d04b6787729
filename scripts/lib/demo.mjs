import { createHash } from "node:crypto";

/** The account that a local start makes. Its key is public: only local databases ever hold its digest. */
export const DEMO_KEY = "sk_test_828df0fc77874c219f353417fbca1ef4";
export const DEMO_KEY_DIGEST = createHash("sha256").update(DEMO_KEY).digest("hex");
const DEMO_ACCOUNT_ID = "de300000-0000-4000-8000-000000000001";
const DEMO_KEY_ID = "de300000-0000-4000-8000-000000000002";

/** SQL that makes the Demo account and its key; a repeat changes nothing. */
export function demoAccountSql(nowMs) {
  return `INSERT INTO accounts (account_id, name, mode, currency, created_at_ms, modified_at_ms)
VALUES ('${DEMO_ACCOUNT_ID}', 'Demo', 'test', 'USD', ${nowMs}, ${nowMs}) ON CONFLICT DO NOTHING;
INSERT INTO api_keys (digest, account_id, key_id, name, kind, scopes, hint, created_at_ms)
VALUES ('${DEMO_KEY_DIGEST}', '${DEMO_ACCOUNT_ID}', '${DEMO_KEY_ID}', 'Local start', 'account', '["admin"]', '…${DEMO_KEY.slice(-4)}', ${nowMs})
ON CONFLICT DO NOTHING;
`;
}
