import { NAME_CHARS_MAX, PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX } from "../domain/limits.ts";
import { WIRE_CODES, type WireCode } from "./errors.ts";
import { MEANINGS } from "./openapi-errors.ts";

/** What holds for every route, said once, at the head of the OpenAPI document. Markdown. */
export const INTRODUCTION = `What does each customer cost, what do they bring in, what may they do, and what do they owe? Report usage as *events*; ask about the rest.

## Keys
Send a key with every request: \`Authorization: Bearer KEY\` or \`X-API-Key: KEY\`. Only the routes marked public need none.

| Key | Reaches |
|---|---|
| \`sk_live_…\`, \`sk_test_…\` with scope \`admin\` | everything of its account |
| \`sk_live_…\`, \`sk_test_…\` with scope \`client\` | the Client API, \`/api/v1/client\` |
| \`ck_live_…\`, \`ck_test_…\` | one customer, and only routes that name one of its scopes: \`read\`, \`purchase\`, \`ingest\` |
| the root token | making accounts |

A \`ck_\` key stands for its own customer: leave \`customerReferenceId\` out and it is filled in; name somebody else and the answer is 403. Each route below says which \`ck_\` scopes open it. Live and test accounts share nothing.

## Answers
Every answer is JSON in one envelope, errors and deletions too:

\`\`\`json
{ "success": true, "data": { "id": "…" } }

{
  "success": false,
  "error": {
    "code": "validation_failed",
    "message": "The request has an invalid field.",
    "detail": "email: must contain an @",
    "fields": [{ "path": "email", "message": "must contain an @" }]
  }
}
\`\`\`

\`data\` is left out when there is nothing to say, and so are fields without a value. Some errors carry \`data\` as well, for example the first receipt of a repeated event. \`detail\` is text, one problem a line; \`fields\` is the same as a list. Routes that answer something else (a file, this document) say so.

Answers may gain fields at any time: ignore those you do not know. None is ever renamed or removed.

## Errors
Branch on \`error.code\`, which is stable. \`message\` is for people and may be reworded.

| Code | Status | Meaning |
|---|---|---|
${(Object.keys(WIRE_CODES) as WireCode[]).map((code) => `| \`${code}\` | ${WIRE_CODES[code]} | ${MEANINGS[code]} |`).join("\n")}

An unknown path is 404 \`not_found\`; a known one with another method is 405 \`method_not_allowed\`. These two can answer anywhere, and so can 500.

## Requests
- A missing or empty body is \`{}\`. Unknown fields are ignored. \`null\` is the same as leaving the field out.
- **Decimals** (money, units, rates) may be numbers or text. A number is taken as its shortest decimal form and rounded, half away from zero, to 12 places; text with more than 12 places is refused, as is anything with more than 15 digits before the point. Nothing is computed in binary floating point.
- **Sums** are answered as numbers. Where one has more than 15 significant digits, a field beside it, named with \`Exact\` at the end, has the whole of it as text.
- **Times** are ISO 8601 instants with \`Z\` or an offset; answers always write UTC with \`Z\`.
- **Ids** are UUIDs, except where a route says otherwise. A malformed one is answered 404, like an unknown one.
- A value outside a list of allowed ones, or of the wrong type, is 400.

## Lists
\`?limit\` (default ${PAGE_LIMIT_DEFAULT}, clamped to 1…${PAGE_LIMIT_MAX}) and \`?offset\` choose a page. The answer is \`{"items": […], "pagination": {"total", "limit", "offset", "hasMore"}}\`, unless the route says it is a bare array.

## Repeating safely
Two different keys, for two different questions:

- **An event's key** (\`eventIdempotencyKey\`, or the header \`X-Idempotency-Key\`, which wins) belongs to the event and never runs out. Using it again answers 409 \`idempotency_conflict\` with the first receipt in \`data\`, and counts nothing twice.
- **\`Idempotency-Key\`** (at most ${NAME_CHARS_MAX} printable characters) may come with any POST, PUT, PATCH or DELETE. For 24 hours a repeat gets the first answer again, with \`Idempotency-Replayed: true\`. Another request under the same key is 409 \`idempotency_conflict\`; while the first still runs, 409 \`conflict\`. Remembered are successes and the route's own 400, 402, 404 and 409; never 401, 403, 413, 415, 429 or 5xx, which are worth trying again.

## Following a request
Every answer has an \`X-Request-Id\`. Send your own (at most 128 printable characters) and it is kept; quote it when something looks wrong. \`X-Tanso-Stale: true\` says that the catalog's database did not answer and the last known settings were used.

Answers under \`/api/v1/client/\` say where they come from, \`X-Tanso-Source\`: \`object\` (the customer's own, exact), \`lease\` (repeated by whoever is nearest, at most \`entitlementStalenessMs\` old), \`block\` (out of what was held for whoever is nearest, exact), or \`catalog\` where no customer had to be asked. \`Server-Timing\` says what they waited for.
`;
