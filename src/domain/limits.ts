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
export const TAX_ID_CHARS_MAX = 64;
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
/** Subscriptions and invoices in one statement, as JSON: at most three bytes a character, and a D1 parameter holds 2 MB. */
export const COPY_CHARS_PER_STATEMENT_MAX = 500_000;
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

/** The console: how long somebody stays signed in, and for how long an ended session keeps its sign-in link spent. */
export const CONSOLE_SESSION_MS = 12 * HOUR_MS;
export const CONSOLE_SESSIONS_KEPT_MS = 30 * DAY_MS;
/** Failed sign-ins from one address, per isolate. Keys cannot be guessed; this keeps guesses from costing D1 reads. */
export const SIGN_IN_FAILURES_MAX = 10;
export const SIGN_IN_WINDOW_MS = 10 * 60 * SECOND_MS;
/** What a browser says of itself, kept to tell sessions apart. */
export const USER_AGENT_CHARS_MAX = 200;

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

/** Public catalogs that an isolate remembers, and for how long: by then a scheduled weight that came into force must be seen. */
export const CATALOGS_CACHED_MAX = 100;
export const CATALOG_FRESH_MS_MAX = 60 * SECOND_MS;

/** Slices of fonts that an isolate keeps, each 10 to 250 kB: Latin, and what an account's usual customers need. */
export const FONTS_CACHED_MAX = 24;

/** Rows that an import works on at a time: with the longest names its D1 parameters stay below 2 MB. */
export const IMPORT_CHUNK_ROWS = 2000;
/** Objects that one part of an import calls: a request of a Worker may make 10,000 calls in all. */
export const IMPORT_CALLS_MAX = 8000;
/** Objects that one cron run calls: far below the subrequests of one invocation. */
export const CRON_WAKES_MAX = 200;
/** From when on a limit is near: a fifth is left, so that there is time to act. */
export const NEAR_LIMIT_PERCENT_DEFAULT = 80;
/** Objects that the operator's status and the search for limits ask, and that a page of reprojecting or recosting goes through. */
export const STATUS_OBJECTS_MAX = 50;
/** Events of one segment of usage that are counted again when its invoice is replayed: more keep their customer waiting too long. */
export const REPLAY_EVENTS_MAX = 200_000;
/** Invoices of one customer that one call replays. */
export const REPLAY_INVOICES_MAX = 500;
/** Events and credit transactions that one turn rewrites when a customer is erased: some tens of milliseconds. */
export const ERASE_ROWS_MAX = 5000;
/** A page of an export, from the object to the Worker: far below what one call may carry, whatever the rows hold. */
export const EXPORT_ROWS_MAX = 1000;
export const EXPORT_CHARS_MAX = 2_000_000;
/** Rows of a list that stand in memory at once while it is sent as CSV. */
export const CSV_ROWS_PER_READ_MAX = 500;
export const WALK_CUSTOMERS_DEFAULT = 50;
export const WALK_CUSTOMERS_MAX = 500;
export const RECOST_CALLS_PER_PAGE = 100;

/** How often a change of an account is decided anew because others changed it meanwhile, before it is refused with 409. */
export const ACCOUNT_COMMIT_ATTEMPTS_MAX = 8;
/** Own rates of one account: the settings with all of them stay below half of D1's 2 MB row, and so does their audit entry. */
export const MODEL_COSTS_MAX = 500;
/** Rates between an account's currency and others: there are not twice as many currencies. */
export const EXCHANGE_RATES_MAX = 200;
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
/** Customers whose past usage a plan's preview prices: the default, and what still fits on a screen. */
export const PREVIEW_CUSTOMERS_DEFAULT = 3;
export const PREVIEW_CUSTOMERS_MAX = 10;
/** JSON text of all rules of a plan: each subscriber's object keeps the version it bought. */
export const PLAN_RULES_BYTES_MAX = 256 * KIB;

/** Days from an invoice's due date until access ends: the default, and what makes no sense any more. */
export const GRACE_DAYS_DEFAULT = 3;
export const GRACE_DAYS_MAX = 400;
/** How long a first invoice may stay unpaid before its subscription ends. */
export const FIRST_PAYMENT_MS_MAX = 30 * DAY_MS;
/** How long a subscription may stay suspended before it ends. */
export const SUSPENDED_MS_MAX = 90 * DAY_MS;
/** An invoice made later than this after its instant was asked for by nobody: its payment window begins when it is made. */
export const INVOICE_LATE_MS = HOUR_MS;
/** Steps of one settle: 400 years of monthly periods with reservations in between; more is a loop. */
export const SETTLE_STEPS_MAX = 100_000;
/** Reservations: how long one holds by default and at most, and how many of one customer may be open. */
export const HOLD_SECONDS_DEFAULT = 60;
export const HOLD_SECONDS_MAX = 3600;
export const HOLDS_OPEN_MAX = 10_000;
/** Blocks: how long an isolate hands out of one, and for how long the longest reservation from one holds. */
export const BLOCK_USE_MS = 5 * SECOND_MS;
export const BLOCK_HOLD_SECONDS_MAX = 60;
/** All blocks together hold at most one part in so many of what is left: the others do not miss it. */
export const BLOCK_SHARE = 20;
/** A block that holds for fewer reservations than these saves no trip worth it. */
export const BLOCK_RESERVATIONS_MIN = 4;
/** A feature without a reservation for so long gets none; nor is one asked for again so soon after none came. */
export const BLOCK_DEMAND_MS_MAX = 60 * SECOND_MS;
export const BLOCK_ASK_AGAIN_MS = SECOND_MS;
/** What an isolate remembers: customers, and of each, features with their models. */
export const BLOCK_CUSTOMERS_MAX = 10_000;
export const BLOCK_FEATURES_MAX = 16;
/** Events that came while a customer was quarantined: so many are counted by one call, the rest by the next ones. */
export const PENDING_COUNTED_MAX = 2000;
/** The log of checks: how long it stays in memory alone, and features counted on one day; more are counted as `OTHER_PAIR`. */
export const CHECKS_KEPT_MS = 5 * SECOND_MS;
export const CHECK_FEATURES_PER_DAY_MAX = 200;
/** Test clocks: how far one call advances, how many customers one clock has. */
export const CLOCK_ADVANCE_MS_MAX = 731 * DAY_MS;
export const CLOCK_CUSTOMERS_MAX = 1000;
/** The years that a test clock can show: periods, prices and dates hold in all of them. */
export const CLOCK_YEAR_MIN = 2000;
export const CLOCK_YEAR_MAX = 2999;
/** Objects that one request or cron run talks to at the same time. */
export const OBJECT_CALLS_AT_ONCE_MAX = 50;
/** Customers that one cron run wakes because something of theirs is overdue, and for how long it must be. */
export const SWEEP_CUSTOMERS_MAX = 2000;
export const SWEEP_OVERDUE_MS = 5 * 60 * SECOND_MS;
/** Customers that one cron run calls on its daily way through all of them: far below the subrequests of one invocation. */
export const ROUND_CUSTOMERS_MAX = 1000;
/** Accounts whose copies one cron run tidies: each is a statement of its own. */
export const CRON_ACCOUNTS_MAX = 200;
/** Remembered answers that one cron run deletes: far below what a statement of D1 may take. Their age is asked when they are read. */
export const FORGOTTEN_REQUESTS_MAX = 50_000;
/** An alarm that should have rung so long ago is lost: the next call sets another. */
export const ALARM_LOST_MS = 60 * SECOND_MS;
/** Subscriptions that one call of a migration goes through. */
export const MIGRATE_SUBSCRIPTIONS_DEFAULT = 100;
export const MIGRATE_SUBSCRIPTIONS_MAX = 500;
/** The wake-up of silent customers is spread over so long, by customer: never the instant itself. */
export const WAKE_JITTER_MS = 20 * SECOND_MS;

/** A plan's base price, in its currency: with every feature at its most, an invoice stays a safe integer of minor units. */
export const PLAN_PRICE_MAX = 10_000_000_000;
/** What one feature may come to in a period, in minor units: the same. */
export const USAGE_MINOR_MAX = 10_000_000_000_000;
/** Credits of different models that one plan gives with each period. */
export const PLAN_ALLOCATIONS_MAX = 20;
/** Months after which a plan's credits are gone: ten years. */
export const GRANT_MONTHS_MAX = 120;
/** Weights and prices: what makes no sense any more, of a unit or a credit. */
export const TARIFF_VALUE_MAX = 1_000_000;
/** Entries of one batch of weights or prices: the batch and its audit entry stay far below what a D1 row holds. */
export const TARIFF_ENTRIES_MAX = 500;
/** Weights, and likewise prices, that are in force or scheduled: every isolate keeps them all in memory. */
export const TARIFFS_OPEN_MAX = 2000;
/** Weights and prices take effect so long after they are published: longer than any isolate believes an older account. */
export const TARIFF_LEAD_MS = 10 * SECOND_MS;
/** An effective instant that is past by no more than this means now. */
export const TARIFF_PAST_MS_MAX = 5 * 60 * SECOND_MS;
/** A late event burns credits by the weight of its own time, as far back as this. */
export const WEIGHT_LATE_MS_MAX = 2 * DAY_MS;
/** A place in the order of pools: more of them than anybody has. */
export const DRAW_PRIORITY_MAX = 1_000_000;
/** Entries of a ledger that one explanation reads: it stays far below a second. */
export const EXPLAIN_ENTRIES_MAX = 10_000;
/** A cursor of an explanation: an id, and what each of at most 200 grants had left, in 14 digits at most. */
export const EXPLAIN_CURSOR_CHARS_MAX = 4096;
/** Forecasts: the share of a period that must be over before its end is guessed. */
export const FORECAST_SHARE_MIN = 0.05;
/** The recent burn of credits: days that it is taken over, and how many it needs. */
export const BURN_DAYS = 14;
export const BURN_DAYS_MIN = 3;
/** A pool that lasts longer than a hundred years has no date of depletion. */
export const DEPLETION_DAYS_MAX = 36_500;

/** A declined charge is tried again so long after its invoice fell due, as far as its grace lasts: twice. */
export const CHARGE_RETRY_FIRST_MS = DAY_MS;
export const CHARGE_RETRY_LAST_MS = 3 * DAY_MS;
/** Money that is on its way, by bank debit, takes no longer: until then nobody loses access. */
export const PROCESSING_MS_MAX = 14 * DAY_MS;
/** A declined purchase is not charged again by itself for so long; twice as long after each further one. */
export const COOL_DOWN_MS_MIN = 60 * SECOND_MS;
export const COOL_DOWN_MS_MAX = HOUR_MS;
/** Calls to the payment provider: first and longest wait between two attempts, and how many before one is parked: two days. */
export const PROVIDER_DELAY_MS_MIN = 2 * SECOND_MS;
export const PROVIDER_DELAY_MS_MAX = HOUR_MS;
export const PROVIDER_ATTEMPTS_MAX = 60;
/** Of a customer's payments the newest are looked through for one that can give back what the balance pays out. */
export const PAYOUT_PAYMENTS_MAX = 200;
/** The provider forgets a key of repetition after 24 hours: an older call is looked for before it is sent again. */
export const PROVIDER_KEY_MS = 23 * HOUR_MS;
/** Calls that one flush makes at most; a customer has a handful. */
export const PROVIDER_CALLS_PER_FLUSH_MAX = 50;

/** A call to the payment provider takes no longer; then it counts as away. */
export const PROVIDER_TIMEOUT_MS = 10 * SECOND_MS;
/** Positions on a payment page, which takes no more; the rest is summed under one. */
export const PAGE_LINES_MAX = 100;
/** Pages of the provider's list, 100 things each, in which something of one customer is looked for. */
export const PROVIDER_PAGES_MAX = 5;

/** Methods that were taken off a customer are remembered, so that one saved before is not charged: more than are on their way at once. */
export const DETACHED_METHODS_MAX = 20;
/** How long an isolate trusts a provider's key and webhook secrets that it has opened: as long as an account's other settings. */
export const CONNECTION_FRESH_MS_MAX = 5 * SECOND_MS;
/** Clients of the provider that an isolate keeps, one for each key that is in use. */
export const PROVIDERS_CACHED_MAX = 100;
/** Secrets that webhooks may be signed with at a time: the newest, and the one before while it is being replaced. */
export const WEBHOOK_SECRETS_MAX = 2;
/** A webhook's body: the provider's largest objects are far smaller. */
export const WEBHOOK_BODY_BYTES_MAX = 512 * KIB;
/** A webhook's signature may be so old; older, somebody sends again what was recorded. */
export const WEBHOOK_AGE_SECONDS_MAX = 300;
/** A webhook that was not handled is taken up by the cron after so long; twice as long after each further attempt. */
export const WEBHOOK_RETRY_MS_MIN = 5 * 60 * SECOND_MS;
export const WEBHOOK_RETRY_MS_MAX = 6 * HOUR_MS;
/** Attempts before a webhook is left alone and shown: three days. */
export const WEBHOOK_ATTEMPTS_MAX = 20;
/** Webhooks that one cron run takes up. */
export const WEBHOOKS_PER_RUN_MAX = 200;
/** How long webhooks are kept that nothing is to be done with any more, and how many one cron run forgets. */
export const WEBHOOKS_KEPT_MS = 90 * DAY_MS;
export const WEBHOOKS_FORGOTTEN_MAX = 1000;
/** Connections whose secrets one cron run seals anew. */
export const RESEALED_PER_RUN_MAX = 100;

/** Comparing the books with the provider's: how far back by itself, what may still be on its way, how long runs are kept. */
export const RECONCILE_SINCE_MS = 35 * DAY_MS;
export const RECONCILE_FRESH_MS = 15 * 60 * SECOND_MS;
export const RECONCILE_RUNS_KEPT = 30;
/** What one call goes through: pages, and payments or invoices on each; the next one goes on. */
export const RECONCILE_PAGES_PER_CALL_MAX = 20;
export const RECONCILE_PAYMENTS_PER_PAGE = 100;
export const RECONCILE_INVOICES_PER_PAGE = 1000;
/** Differences that one run lists; further ones are counted. More is one cause, not a thousand. */
export const RECONCILE_DIFFERENCES_MAX = 1000;
/** Accounts that one cron run compares. */
export const RECONCILE_ACCOUNTS_PER_RUN_MAX = 10;
/** Pages of all of them together: each may call an object for every payment on it, and an invocation makes 10,000 calls in all. */
export const RECONCILE_PAGES_PER_RUN_MAX = 40;

/** How stale an answer of access may be: of live accounts by default, and at most by their setting. */
export const STALENESS_MS_LIVE = SECOND_MS;
export const STALENESS_MS_MAX = 60 * SECOND_MS;
/** An answer that use could turn is leased while so many times more is left than is used meanwhile, and than one use takes. */
export const LEASE_FACTOR = 10n;
/** How fast something is used up: counted in windows, and within a second as one burst; of so many things of one customer. */
export const PACE_WINDOW_MS = 10 * SECOND_MS;
export const PACE_AT_ONCE_MS = SECOND_MS;
export const PACES_KEPT_MAX = 1000;
/** Leases that an isolate keeps, about 1 kB each, and customers of whom it remembers which answers no longer count. */
export const LEASES_KEPT_MAX = 20_000;
/** Calls of an object that was lost on the way: attempts, and the longest wait before the second; twice as long before the third. */
export const OBJECT_ATTEMPTS_MAX = 3;
export const OBJECT_RETRY_MS_MAX = 100;
/** In which the requests of a key are counted: the platform counts in 10 s or 60 s. */
export const RATE_WINDOW_MS = 10 * SECOND_MS;
/** Nobody asked for so long: events need not bring the answer along any more. */
export const LEASE_UNREAD_MS_MAX = 10 * SECOND_MS;
/** A question comes steadily while no two of it are further apart than so many bounds: then the next lease is there before one ends. */
export const LEASE_STEADY_BOUNDS = 1.5;
/** So long one request sees to that; the platform ends what follows an answer after 30 s. Bounds that are smaller are not worth it. */
export const LEASE_TENDED_MS_MAX = 20 * SECOND_MS;
export const LEASE_TENDED_BOUND_MS_MIN = 100;
/** Each is a request that stays open behind its answer. */
export const LEASES_TENDED_MAX = 1000;
