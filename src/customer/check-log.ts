import { spreadOf } from "../domain/ids.ts";
import { CHECK_FEATURES_PER_DAY_MAX, CHECKS_KEPT_MS, DAY_MS, OTHER_PAIR } from "../domain/limits.ts";
import type { CheckDay } from "./calls.ts";
import type { Customer } from "./image.ts";

/**
 * How often access was asked for, by UTC day and feature: counted in memory, so that no answer waits for it, and written a few seconds
 * later. What was not written when the object ended is lost: a log for people, no figure that anything rests on.
 */
export class CheckLog {
  readonly #customer: Logged;
  /** Customers that are asked about at one instant, by a page that shows them all, do not all write at one instant later. */
  readonly #lookMs: number;
  /** Looks at what is not yet written, since it began; and whether anything came since the last look. */
  #looks = 0;
  #isAsked = false;
  /** Counts of one day by feature, not yet written. */
  readonly #features = new Map<string, CheckDay>();
  #dayStartMs = 0;
  #isTimed = false;

  constructor(customer: Logged) {
    this.#customer = customer;
    const leastMs = CHECKS_KEPT_MS / 4;
    this.#lookMs = leastMs + spreadOf(customer.image.owner.tag, leastMs);
  }

  /** Counts checks. Features are named by callers: beyond a bound they are one, so that made-up names fill nothing. */
  note({ featureKey, allowed }: { featureKey: string; allowed: boolean }, nowMs: number, count = 1): void {
    const dayStartMs = Math.floor(nowMs / DAY_MS) * DAY_MS;
    // Days that are counted already are written: what is in memory is of one day.
    if (dayStartMs !== this.#dayStartMs) this.write();
    this.#dayStartMs = dayStartMs;
    let day = this.#features.get(featureKey);
    if (day === undefined) {
      const name = this.#features.size < CHECK_FEATURES_PER_DAY_MAX ? featureKey : OTHER_PAIR;
      day = this.#features.get(name) ?? { dayStartMs, featureKey: name, allowed: 0, denied: 0 };
      this.#features.set(name, day);
    }
    if (allowed) day.allowed += count;
    else day.denied += count;
    this.#isAsked = true;
    if (this.#isTimed) return;
    this.#isTimed = true;
    this.#looks = 0;
    this.#lookLater();
  }

  /**
   * Written once nobody asks for a while. A write makes the next answers wait for the disk, so while a customer is asked about all the
   * time, which keeps its object alive anyway, it comes seldom.
   */
  #lookLater(): void {
    this.#looks += 1;
    // What set off the first look came just before it, and says nothing yet.
    this.#isAsked = this.#looks === 1;
    setTimeout(() => {
      if (this.#isAsked && this.#looks < LOOKS_MAX) {
        this.#lookLater();
        return;
      }
      this.#isTimed = false;
      try {
        this.write();
      } catch (failure) {
        // Thrown out of a timer it would reset the object, for a log.
        console.error(JSON.stringify({ at: "checks", failure: String(failure) }));
      }
    }, this.#lookMs);
  }

  /** A page of what was counted until now, newest day first. */
  page(page: { limit: number; offset: number }): { items: CheckDay[]; total: number } {
    this.write();
    return readDays(this.#customer.sql, page);
  }

  /** Writes what is in memory alone. */
  write(): void {
    const days = [...this.#features.values()];
    this.#features.clear();
    if (days.length > 0) this.#customer.transact(() => addDays(this.#customer.sql, days));
  }
}

/** About a minute in all. */
const LOOKS_MAX = 32;

type Logged = Pick<Customer, "sql" | "transact" | "image">;

function addDays(sql: SqlStorage, days: readonly CheckDay[]): void {
  for (const { dayStartMs, featureKey, allowed, denied } of days) {
    // No arithmetic on bound parameters: they would be floats.
    const before = readDay(sql, dayStartMs, featureKey);
    const isKnown = before !== undefined || featuresOn(sql, dayStartMs) < CHECK_FEATURES_PER_DAY_MAX;
    const name = isKnown ? featureKey : OTHER_PAIR;
    const sum = isKnown ? before : readDay(sql, dayStartMs, name);
    sql.exec(
      `INSERT INTO check_days (day_start_ms, feature_key, allowed, denied) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET allowed = excluded.allowed, denied = excluded.denied`,
      dayStartMs,
      name,
      allowed + (sum?.allowed ?? 0),
      denied + (sum?.denied ?? 0),
    );
  }
}

function readDay(
  sql: SqlStorage,
  dayStartMs: number,
  featureKey: string,
): { allowed: number; denied: number } | undefined {
  return sql
    .exec<{ allowed: number; denied: number }>(
      "SELECT allowed, denied FROM check_days WHERE day_start_ms = ? AND feature_key = ?",
      dayStartMs,
      featureKey,
    )
    .toArray()[0];
}

function featuresOn(sql: SqlStorage, dayStartMs: number): number {
  return sql.exec<{ n: number }>("SELECT COUNT(*) AS n FROM check_days WHERE day_start_ms = ?", dayStartMs).one().n;
}

function readDays(
  sql: SqlStorage,
  { limit, offset }: { limit: number; offset: number },
): { items: CheckDay[]; total: number } {
  return {
    total: sql.exec<{ n: number }>("SELECT COUNT(*) AS n FROM check_days").one().n,
    items: sql
      .exec<{ day_start_ms: number; feature_key: string; allowed: number; denied: number }>(
        `SELECT day_start_ms, feature_key, allowed, denied FROM check_days
         ORDER BY day_start_ms DESC, feature_key LIMIT ? OFFSET ?`,
        limit,
        offset,
      )
      .toArray()
      .map((row) => ({
        dayStartMs: row.day_start_ms,
        featureKey: row.feature_key,
        allowed: row.allowed,
        denied: row.denied,
      })),
  };
}
