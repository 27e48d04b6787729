import type { EntryView, GrantView, PoolView } from "../domain/credit-views.ts";
import type { Refusal, Reply } from "../domain/refusal.ts";
import { type TimedText, timedText } from "../domain/timed-text.ts";
import type * as calls from "./calls.ts";
import * as credits from "./commands/credits.ts";
import * as pools from "./questions/credits.ts";
import { CustomerTurns } from "./turns.ts";

/** What a customer's credits can be told and asked: pools, their grants, and the ledger. */
export abstract class CustomerCrediting extends CustomerTurns {
  /** Commands on credits; see `commands/credits.ts`. 503 while the customer is quarantined. */
  makePool(call: calls.MakePoolCall): Promise<calls.Replayable<calls.PoolReply>> {
    return this.money("makePool", call, (nowMs) => credits.makePool(this.customer, call, nowMs));
  }

  linkPool(call: calls.LinkPoolCall): Promise<calls.Replayable<calls.PoolReply>> {
    return this.money("linkPool", call, (nowMs) => credits.linkPool(this.customer, call, nowMs));
  }

  unlinkPool(call: calls.UnlinkPoolCall): Promise<calls.Replayable<calls.PoolReply>> {
    return this.money("unlinkPool", call, (nowMs) => credits.unlinkPool(this.customer, call, nowMs));
  }

  freezePool(call: calls.PoolCall): Promise<calls.Replayable<calls.PoolReply>> {
    return this.money("freezePool", call, (nowMs) => credits.freezePool(this.customer, call, nowMs));
  }

  unfreezePool(call: calls.PoolCall): Promise<calls.Replayable<calls.PoolReply>> {
    return this.money("unfreezePool", call, (nowMs) => credits.unfreezePool(this.customer, call, nowMs));
  }

  archivePool(call: calls.PoolCall): Promise<calls.Replayable<calls.PoolReply>> {
    return this.money("archivePool", call, (nowMs) => credits.archivePool(this.customer, call, nowMs));
  }

  grantCredits(call: calls.GrantCall): Promise<calls.Replayable<calls.GrantReply>> {
    return this.money("grantCredits", call, (nowMs) => credits.grantCredits(this.customer, call, nowMs));
  }

  voidGrant(call: calls.VoidGrantCall): Promise<calls.Replayable<calls.GrantReply>> {
    return this.money("voidGrant", call, (nowMs) => credits.voidGrant(this.customer, call, nowMs));
  }

  deductCredits(call: calls.DeductCall): Promise<calls.Replayable<calls.EntryReply>> {
    return this.money("deductCredits", call, (nowMs) => credits.deductCredits(this.customer, call, nowMs));
  }

  reverseEntry(call: calls.ReverseCall): Promise<calls.Replayable<calls.EntryReply>> {
    return this.money("reverseEntry", call, (nowMs) => credits.reverseEntry(this.customer, call, nowMs));
  }

  /** Questions about credits; see `questions/credits.ts`. */
  pools(page: { limit: number; offset: number }): Reply<calls.PageReply<PoolView>> {
    return this.question("pools", () => pools.poolPage(this.customer, page));
  }

  pool(id: string): Reply<calls.PoolReply> {
    return this.question("pool", (nowMs) => pools.poolQuestion(this.customer, id, nowMs));
  }

  grant(id: string): Reply<calls.GrantReply> {
    return this.question("grant", () => pools.grantQuestion(this.customer, id));
  }

  poolGrants(id: string, page: { limit: number; offset: number }): Reply<calls.PageReply<GrantView>> {
    return this.question("poolGrants", () => pools.poolGrants(this.customer, id, page));
  }

  poolEntries(id: string, page: { limit: number; offset: number }): Reply<calls.PageReply<EntryView>> {
    return this.question("poolEntries", () => pools.poolEntries(this.customer, id, page));
  }

  poolEntriesBehind(id: string, page: calls.LedgerPage): Reply<{ items: EntryView[] }> {
    return this.question("poolEntries", () => pools.poolEntriesBehind(this.customer, id, page));
  }

  /** The last CreditEntry until then; nothing behind the instant where the ledger begins later. */
  balanceAt(id: string, atMs: number | undefined): TimedText | Refusal {
    const reply = this.question("balanceAt", (nowMs) => pools.balanceAt(this.customer, { id, atMs }, nowMs));
    return reply.ok ? timedText(reply.value.entryText, reply.value.atMs) : reply;
  }

  explainPool(id: string, page: calls.ExplainPage): Reply<calls.ExplainReply> {
    return this.question("explainPool", () => pools.explainPool(this.customer, id, page));
  }
}
