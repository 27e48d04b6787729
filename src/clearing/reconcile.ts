import { wishedRegion } from "../catalog/accounts.ts";
import {
  differencesStatement,
  forgetRunsStatements,
  lastReconciliation,
  runStatement,
} from "../catalog/reconciliations.ts";
import { accountsToReconcile, nextReconcileStatement } from "../catalog/stripe-connections.ts";
import { callEach } from "../customer/object-of.ts";
import { readCustomerThingId, type Uuid } from "../domain/ids.ts";
import {
  DAY_MS,
  PROCESSING_MS_MAX,
  RECONCILE_ACCOUNTS_PER_RUN_MAX,
  RECONCILE_DIFFERENCES_MAX,
  RECONCILE_FRESH_MS,
  RECONCILE_INVOICES_PER_PAGE,
  RECONCILE_PAGES_PER_CALL_MAX,
  RECONCILE_PAGES_PER_RUN_MAX,
  RECONCILE_PAYMENTS_PER_PAGE,
  RECONCILE_RUNS_KEPT,
  RECONCILE_SINCE_MS,
} from "../domain/limits.ts";
import { type Difference, differenceOf, type ReconcileCursor, type Reconciliation } from "../domain/reconcile.ts";
import type { Env } from "../env.ts";
import {
  type PaidInvoice,
  type PaymentCopy,
  paidInvoices,
  paymentCopiesStatement,
} from "../ledger/provider-payments.ts";
import { openProvider } from "../payments/open.ts";
import type { Failed, PaymentProvider, ProviderPayment } from "../payments/provider.ts";

/**
 * Compares an account's books with its payment provider's: each payment there with what the customer's object knows of it, and each
 * invoice that we call paid by the provider with the payments there. Bounded: a call goes through so many pages, and the next one goes on.
 * Nothing is repaired.
 */

/** `off`: no key is stored. `unavailable`: the provider, or what opens its key, is not there; what was compared is kept. */
export type Reconciled = Reconciliation | "off" | "unavailable";

/** Goes on with the account's comparison that is not at its end, or begins one of what happened since `sinceMs`. */
export async function reconcile(
  env: Env,
  accountId: string,
  sinceMs: number | undefined,
  nowMs: number,
  pagesMax = RECONCILE_PAGES_PER_CALL_MAX,
): Promise<Reconciled> {
  return (await goOn(env, accountId, { sinceMs, nowMs, pagesMax })).run;
}

/** `pages`: how many it went through, one that failed included. */
async function goOn(
  env: Env,
  accountId: string,
  { sinceMs, nowMs, pagesMax }: { sinceMs?: number | undefined; nowMs: number; pagesMax: number },
): Promise<{ run: Reconciled; pages: number }> {
  const provider = await openProvider(env, accountId);
  if (typeof provider === "string") return { run: provider, pages: 0 };
  const last = await lastReconciliation(env.DB, accountId);
  let run = last?.state === "RUNNING" ? last : newRun(accountId, sinceMs ?? nowMs - RECONCILE_SINCE_MS, nowMs);
  let pages = 0;
  while (pages < pagesMax && run.state === "RUNNING") {
    pages += 1;
    const before = run;
    const stepped = await step(env, provider, before, nowMs);
    if ("failure" in stepped) {
      // Whoever asks next goes on here; what no repeat can mend ends the run.
      if (isAway(stepped)) return { run: "unavailable", pages };
      run = { ...before, state: "FAILED", finishedAtMs: nowMs, failure: `${stepped.failure}: ${stepped.message}` };
      await env.DB.batch([runStatement(env.DB, run), nextReconcileStatement(env.DB, accountId, nowMs + DAY_MS)]);
      return { run, pages };
    }
    run = stepped.run;
    await env.DB.batch(statementsOf(env.DB, before, stepped, nowMs));
  }
  return { run, pages };
}

/**
 * The cron's share: accounts whose day is over, those that wait longest first, until all of them together went through so many pages.
 * Who is not reached waits longest at the next run; who is not at its end goes on there, behind the others.
 */
export async function reconcileDue(
  env: Env,
  nowMs: number,
  pagesMax = RECONCILE_PAGES_PER_RUN_MAX,
): Promise<{ processed: number; failed: number }> {
  const done = { processed: 0, failed: 0 };
  let pagesLeft = pagesMax;
  for (const accountId of await accountsToReconcile(env.DB, nowMs, RECONCILE_ACCOUNTS_PER_RUN_MAX)) {
    if (pagesLeft === 0) break;
    const share = Math.min(pagesLeft, RECONCILE_PAGES_PER_CALL_MAX);
    const { run, pages } = await goOn(env, accountId, { nowMs, pagesMax: share });
    pagesLeft -= pages;
    if (typeof run === "object" && run.state !== "FAILED") {
      done.processed += 1;
      if (run.state === "RUNNING") await env.DB.batch([nextReconcileStatement(env.DB, accountId, nowMs)]);
      continue;
    }
    done.failed += 1;
    console.error(JSON.stringify({ at: "reconcile", accountId, failure: typeof run === "string" ? run : run.failure }));
    // Behind the others, or one whose provider is away would keep them waiting.
    if (typeof run === "string")
      await env.DB.batch([nextReconcileStatement(env.DB, accountId, nowMs + RECONCILE_FRESH_MS)]);
  }
  return done;
}

function newRun(accountId: string, sinceMs: number, nowMs: number): Reconciliation {
  return {
    accountId,
    runId: crypto.randomUUID(),
    state: "RUNNING",
    sinceMs,
    startedAtMs: nowMs,
    cursor: { phase: "payments" },
    payments: 0,
    invoices: 0,
    differences: 0,
  };
}

function isAway({ failure }: Failed): boolean {
  return failure === "away" || failure === "rate_limited";
}

type Stepped = { run: Reconciliation; found: readonly Difference[]; copies: readonly PaymentCopy[] };

function statementsOf(
  database: D1Database,
  before: Reconciliation,
  { run, found, copies }: Stepped,
  nowMs: number,
): D1PreparedStatement[] {
  const { accountId } = run;
  const room = Math.max(0, RECONCILE_DIFFERENCES_MAX - before.differences);
  const listed = found.slice(0, room);
  return [
    runStatement(database, run),
    ...(copies.length === 0 ? [] : [paymentCopiesStatement(database, accountId, copies)]),
    ...(listed.length === 0 ? [] : [differencesStatement(database, run, before.differences, listed)]),
    ...(run.state === "RUNNING"
      ? []
      : [
          nextReconcileStatement(database, accountId, nowMs + DAY_MS),
          ...forgetRunsStatements(database, accountId, RECONCILE_RUNS_KEPT),
        ]),
  ];
}

/** One page of the comparison. */
function step(env: Env, provider: PaymentProvider, run: Reconciliation, nowMs: number): Promise<Stepped | Failed> {
  const cursor: ReconcileCursor = run.cursor ?? { phase: "payments" };
  return cursor.phase === "payments"
    ? comparePayments(env, provider, run, cursor, nowMs)
    : compareInvoices(env, run, cursor, nowMs);
}

type Ours = ProviderPayment & { customerId: Uuid; payment: number };

async function comparePayments(
  env: Env,
  provider: PaymentProvider,
  run: Reconciliation,
  { after }: Extract<ReconcileCursor, { phase: "payments" }>,
  nowMs: number,
): Promise<Stepped | Failed> {
  const { accountId, sinceMs } = run;
  const listed = await provider.listPayments({
    // What was paid since then may have been asked for before.
    sinceMs: sinceMs - PROCESSING_MS_MAX,
    limit: RECONCILE_PAYMENTS_PER_PAGE,
    ...(after === undefined ? {} : { cursor: after }),
  });
  if (!listed.ok) return listed;
  const { items, nextCursor } = listed.value;
  // What the account sells otherwise through the same provider is none of ours.
  const ours = items.flatMap((item): Ours[] => {
    const { account, customer = "", payment } = item.metadata;
    const isOurs = account === accountId && payment !== undefined && readCustomerThingId(customer)?.kind === "customer";
    return isOurs ? [{ ...item, customerId: customer as Uuid, payment }] : [];
  });
  const found: Difference[] = [];
  const copies: PaymentCopy[] = [];
  const byCustomer = [...Map.groupBy(ours, ({ customerId }) => customerId)];
  const region = (await wishedRegion(env.DB, accountId)) ?? null;
  const owners = byCustomer.map(([customerId, payments]) => ({ accountId, customerId, region, payments }));
  const answers = await callEach(env, owners, (object, { payments }) =>
    object.paymentBooks(payments.map(({ id: paymentIntentId, payment }) => ({ paymentIntentId, payment }))),
  );
  for (const [at, { customerId, payments }] of owners.entries()) {
    const answer = answers[at];
    if (answer?.status !== "fulfilled")
      return { ok: false, failure: "away", message: `the customer ${customerId} does not answer` };
    for (const [index, there] of payments.entries()) {
      const here = answer.value[index] ?? undefined;
      const difference = differenceOf(there, here, nowMs);
      if (difference !== undefined) found.push({ ...difference, customerId });
      copies.push({ ...there, customerId, ...(here?.invoiceId === undefined ? {} : { invoiceId: here.invoiceId }) });
    }
  }
  const cursor: ReconcileCursor =
    nextCursor === undefined ? { phase: "invoices" } : { phase: "payments", after: nextCursor };
  const counts = { payments: run.payments + ours.length, differences: run.differences + found.length };
  return { run: { ...run, ...counts, cursor }, found, copies };
}

async function compareInvoices(
  env: Env,
  run: Reconciliation,
  { after }: Extract<ReconcileCursor, { phase: "invoices" }>,
  nowMs: number,
): Promise<Stepped> {
  const page = await paidInvoices(env.DB, run.accountId, after, RECONCILE_INVOICES_PER_PAGE);
  const found = page
    .filter((invoice) => lacksPayment(invoice, run))
    .map(
      ({ invoiceId, customerId, currency, totalMinor }): Difference => ({
        severity: "CRITICAL",
        kind: "PAID_HERE_ONLY",
        invoiceId,
        customerId,
        currency,
        oursMinor: totalMinor,
        theirsMinor: 0,
      }),
    );
  const last = page.length === RECONCILE_INVOICES_PER_PAGE ? page.at(-1) : undefined;
  const counts = { invoices: run.invoices + page.length, differences: run.differences + found.length };
  if (last !== undefined) {
    const { createdAtMs, invoiceId } = last;
    return {
      run: { ...run, ...counts, cursor: { phase: "invoices", after: { createdAtMs, invoiceId } } },
      found,
      copies: [],
    };
  }
  const { cursor: _, ...rest } = run;
  return { run: { ...rest, ...counts, state: "DONE", finishedAtMs: nowMs }, found, copies: [] };
}

/**
 * Paid through the provider, and no payment of it is known. What was paid before the time that is compared, or since the payments were
 * listed, cannot be among them; on a test clock the instant says nothing of that.
 */
function lacksPayment(
  { paidBy, paidAtMs = 0, isCovered, isOnTestClock }: PaidInvoice,
  { sinceMs, startedAtMs }: Reconciliation,
): boolean {
  const isCompared = isOnTestClock || (paidAtMs >= sinceMs && paidAtMs < startedAtMs - RECONCILE_FRESH_MS);
  return paidBy === "STRIPE" && !isCovered && isCompared;
}
