/**
 * Every limit of the engine and its reason. `docs/limits.md` lists them for users; each has a test. Sizes are bytes or
 * characters, times are milliseconds or named otherwise.
 */

const KIB = 1024;
const MIB = 1024 * KIB;
const SECOND_MS = 1000;
export const HOUR_MS = 3600 * SECOND_MS;
export const DAY_MS = 24 * HOUR_MS;

/** A single request's body: far above any event, far below what would hurt an isolate. */
export const BODY_BYTES_MAX = MIB;
/** Arrays and objects inside each other in a body, outside `meta`: deeper is no request of ours. */
export const BODY_DEPTH_MAX = 64;
/** A batch's body: 1,000 events with a few KB of meta each. */
export const BATCH_BODY_BYTES_MAX = 16 * MIB;
/** One part of an import: what one request can parse. */
export const IMPORT_BODY_BYTES_MAX = 8 * MIB;
export const IMPORT_ROWS_MAX = 50_000;
export const IMPORT_ERRORS_SHOWN_MAX = 100;
export const BATCH_EVENTS_MAX = 1000;

/** Keys, references, names that people choose. */
export const NAME_CHARS_MAX = 255;
export const TEXT_CHARS_MAX = 2000;
/** JSON text of an event's or object's meta. */
export const META_BYTES_MAX = 64 * KIB;
export const META_DEPTH_MAX = 32;
/** Token counts beyond this are a caller's bug. */
export const TOKENS_MAX = 1_000_000_000_000;

/** Items of a page. */
export const PAGE_LIMIT_DEFAULT = 50;
export const PAGE_LIMIT_MAX = 200;

/** An event may claim to come from the future by so much; later counts as this. */
export const OCCURRED_AHEAD_MS_MAX = 5 * 60 * SECOND_MS;

/** Features that events alone may create in one account: a UUID sent as feature must not fill the catalog. */
export const AUTO_FEATURES_MAX = 1000;
/** Pairs of feature and (provider's) model, per customer and UTC day; more count as `OTHER_PAIR`: it bounds the rollup rows. */
export const ROLLUP_PAIRS_PER_DAY_MAX = 200;
export const OTHER_PAIR = "(other)";
/** Hours older than this become days, in the object and so in D1. */
export const ROLLUP_HOURS_KEPT_MS = 35 * DAY_MS;

/** The feed of newest events in D1: per flush of one customer, and per account. */
export const FEED_EVENTS_PER_FLUSH_MAX = 200;
/** With large metas fewer: a D1 parameter holds 2 MB. */
export const FEED_BYTES_PER_FLUSH_MAX = 1_500_000;
export const FEED_EVENTS_PER_ACCOUNT_MAX = 50_000;

/** The outbox: first wait, longest wait, and how often a row fails before it is parked and shown. */
export const FLUSH_DELAY_MS_MIN = 2 * SECOND_MS;
export const FLUSH_DELAY_MS_MAX = 60 * SECOND_MS;
export const OUTBOX_ATTEMPTS_MAX = 20;
/** Rollup rows one flush sends: one statement's JSON stays far below D1's 2 MB. */
export const FLUSH_ROWS_MAX = 1000;

/** An object holds 10 GB at most: above the first, meta is no longer kept; above the second, events are refused (503). */
export const OBJECT_BYTES_META_MAX = 8_000_000_000;
export const OBJECT_BYTES_MAX = 9_500_000_000;

/** How long an answer is kept under an Idempotency-Key. */
export const REQUEST_KEPT_MS = 24 * HOUR_MS;

/** API keys: random bytes; how long an isolate trusts a key it has read, when it reads it again ahead, and while D1 fails. */
export const KEY_BYTES = 32;
export const KEY_FRESH_MS_MAX = 5 * SECOND_MS;
export const KEY_REFRESH_AHEAD_MS = 2.5 * SECOND_MS;
export const STALE_WHILE_D1_FAILS_MS = 15 * 60 * SECOND_MS;
export const CUSTOMER_KEY_LIFE_MS = 5 * 365 * DAY_MS;
export const KEY_OVERLAP_SECONDS_MAX = 86_400;

/** Isolate caches are bounded: entries beyond these drop the oldest. */
export const KEYS_CACHED_MAX = 10_000;
export const CUSTOMERS_CACHED_MAX = 100_000;

/** Events that one call of a recost prices, and that it passes in search of them: a call stays far below a second. */
export const RECOST_EVENTS_PER_CALL_MAX = 2000;
export const RECOST_EVENTS_PASSED_MAX = 200_000;
/** Hours that one settle makes into days; the rest waits for the next one. */
export const SETTLE_ROLLUPS_MAX = 2000;
/** Rows that a failed flush tries one by one, to find the one that D1 refuses. */
export const FLUSH_ROWS_ALONE_MAX = 50;

/** Models whose place in the price list an isolate remembers: ids sent as models must not fill its memory. */
export const MODELS_CACHED_MAX = 5000;
/** Rows that an import works on at a time: with the longest names its D1 parameters stay below 2 MB. */
export const IMPORT_CHUNK_ROWS = 2000;
/** Objects that one part of an import calls: a request of a Worker may make 10,000 calls in all. */
export const IMPORT_CALLS_MAX = 8000;
/** Objects that one cron run calls: far below the subrequests of one invocation. */
export const CRON_WAKES_MAX = 200;
/** Objects that the operator's status asks, and that a page of reprojecting or recosting goes through. */
export const STATUS_OBJECTS_MAX = 50;
export const WALK_CUSTOMERS_DEFAULT = 50;
export const WALK_CUSTOMERS_MAX = 500;
export const RECOST_CALLS_PER_PAGE = 100;

/** How often a change of an account is decided anew because others changed it meanwhile, before it is refused with 409. */
export const ACCOUNT_COMMIT_ATTEMPTS_MAX = 8;
/** Own rates of one account: the settings with all of them stay below half of D1's 2 MB row, and so does their audit entry. */
export const MODEL_COSTS_MAX = 500;
/** Signups of agents an hour: the default, and what makes no sense any more. */
export const AGENT_SIGNUPS_PER_HOUR_DEFAULT = 10;
export const AGENT_SIGNUPS_PER_HOUR_MAX = 10_000;
/** Ids in one call that deletes many things. */
export const DELETE_IDS_MAX = 200;

/** Analytics: the period that is meant when none is given. */
export const ANALYTICS_RANGE_DEFAULT_MS = 30 * DAY_MS;
/** Points of a time series: twelve weeks of hours; more belong into a coarser interval. */
export const TIMESERIES_POINTS_MAX = 2016;
/** Lines of a time series; the rest is summed under `(other)`. More could not be told apart in a chart. */
export const TIMESERIES_GROUPS_MAX = 10;
/** What a portfolio lists: its worst customers and its dearest models. The whole lists have routes of their own. */
export const PORTFOLIO_CUSTOMERS_MAX = 50;
export const PORTFOLIO_MODELS_MAX = 10;
/** Months of a revenue bridge. */
export const BRIDGE_MONTHS_DEFAULT = 6;
export const BRIDGE_MONTHS_MAX = 24;
/** Days whose sums one batch builds: a month at a time keeps each statement far below D1's 30 s. */
export const DAYS_BUILT_PER_BATCH_MAX = 31;
/** How often a question builds days anew because late events changed them meanwhile, before it reads the rollups themselves. */
export const DAYS_BUILT_ATTEMPTS_MAX = 3;

/** Billing periods of a plan are whole months: up to three years. */
export const INTERVAL_MONTHS_MAX = 36;
/** Features in one plan, tiers in one price, models with a cost of their own in one rule: more is a list of another kind. */
export const PLAN_FEATURES_MAX = 200;
export const RULE_TIERS_MAX = 100;
export const RULE_MODELS_MAX = 200;
/** JSON text of all rules of a plan: each subscriber's object keeps the version it bought. */
export const PLAN_RULES_BYTES_MAX = 256 * KIB;
