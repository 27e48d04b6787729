import type { Edges } from "./edges.mjs";

/**
 * Callers of two edge services, and a ledger of what they were told: what was promised to them, what they used, what they do not know.
 * Each answer is held against it when it comes.
 */

type Entitlement = {
  allowed: boolean;
  source: string;
  asOf: string;
  usage: { used: number; limit?: number; remaining?: number };
};
type Answer = {
  status: number;
  data: { reservationId?: string; expiresAt?: string; entitlement?: Entitlement; receipt?: object } & Entitlement;
};
type Open = { id: string; expiresAtMs: number; edge: 0 | 1; isFromBlock: boolean };
export type Account = {
  ref: string;
  /** Without one nothing may be used. */
  subscriptionId?: string;
  limit: number;
  /** Units that the object said it counted. */
  used: number;
  open: Map<string, Open>;
  /** Calls that nobody answered: to be asked again. */
  unknown: (() => Promise<void>)[];
  /** What each edge said this customer's limit is, after a change that it made. */
  seen: [number, number];
};

const BOUND_MS = 1000;

export function openLoad(
  { urls }: Pick<Edges, "urls">,
  key: string,
  accounts: readonly Account[],
  biggerPlan: { id: string; limit: number },
) {
  const told = {
    leased: 0,
    asked: 0,
    blocks: 0,
    reserved: 0,
    refused: 0,
    committed: 0,
    released: 0,
    consumed: 0,
    upgraded: 0,
    lost: 0,
  };
  const broken: string[] = [];
  const up: (0 | 1)[] = [0, 1];
  let isOver = false;

  async function ask(
    edge: 0 | 1,
    method: string,
    path: string,
    body?: object,
    headers = {},
  ): Promise<Answer | undefined> {
    try {
      const response = await fetch(urls[edge] + path, {
        method,
        headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json", ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const { data } = (await response.json()) as Answer;
      if (response.status < 500) return { status: response.status, data };
      broken.push(`${method} ${path}: ${response.status}`);
    } catch {
      // The edge is gone, or going.
    }
    told.lost += 1;
    return undefined;
  }

  const must = (holds: boolean, law: string): void => {
    if (!holds) broken.push(law);
  };

  function sums({ ref, used, open, limit }: Account): void {
    const promised = [...open.values()].filter(({ expiresAtMs }) => expiresAtMs > Date.now()).length;
    must(used + promised <= limit, `${ref}: ${used} used and ${promised} promised of ${limit}`);
  }

  async function check(account: Account, edge: 0 | 1, headers = {}): Promise<Entitlement | undefined> {
    const sentMs = Date.now();
    const { seen } = account;
    const limitSeen = seen[edge];
    const answer = await ask(edge, "GET", `/api/v1/client/entitlements/${account.ref}/chat`, undefined, headers);
    if (answer === undefined) return undefined;
    const { data } = answer;
    if (data.source === "lease") told.leased += 1;
    else told.asked += 1;
    must(data.allowed || data.source === "object", `${account.ref}: a no from a lease`);
    must(
      Date.parse(data.asOf) >= sentMs - BOUND_MS,
      `${account.ref}: an answer of ${data.asOf}, asked for at ${sentMs}`,
    );
    must((data.usage.limit ?? 0) >= limitSeen, `${account.ref}: the edge that changed the plan does not know it`);
    return data;
  }

  async function reserve(account: Account, edge: 0 | 1): Promise<void> {
    const body = { customerReferenceId: account.ref, featureKey: "chat", usageUnits: 1 };
    const answer = await ask(edge, "POST", "/api/v1/client/entitlements/reserve", body);
    if (answer === undefined) return;
    const { reservationId: id, expiresAt = "", entitlement } = answer.data;
    if (id === undefined) {
      must(
        answer.status === 409 && answer.data.source === "object",
        `${account.ref}: refused by ${answer.data.source}`,
      );
      told.refused += 1;
      return;
    }
    const isFromBlock = entitlement?.source === "block";
    if (isFromBlock) told.blocks += 1;
    else told.reserved += 1;
    must(!account.open.has(id), "one id is given to one caller");
    account.open.set(id, { id, expiresAtMs: Date.parse(expiresAt), edge, isFromBlock });
    sums(account);
  }

  async function commit(account: Account, open: Open, edge: 0 | 1): Promise<void> {
    const answer = await ask(edge, "POST", `/api/v1/client/reservations/${open.id}/commit`, { eventName: "call" });
    if (answer === undefined) {
      account.unknown.push(() => commit(account, open, 1));
      return;
    }
    const isKept = answer.status === 201 || answer.status === 200;
    must(isKept || Date.now() > open.expiresAtMs, `${account.ref}: a promise was not kept: ${answer.status}`);
    if (isKept) {
      account.used += 1;
      told.committed += 1;
    }
    account.open.delete(open.id);
    sums(account);
  }

  const ending = new Set<string>();
  async function end(account: Account, edge: 0 | 1): Promise<void> {
    const open = [...account.open.values()].find(({ id }) => !ending.has(id));
    if (open === undefined) return;
    ending.add(open.id);
    // Until the object has answered it is promised.
    if (Math.random() < 0.75) return commit(account, open, edge);
    // From now on it may be anybody's.
    account.open.delete(open.id);
    const answer = await ask(edge, "POST", `/api/v1/client/reservations/${open.id}/release`);
    if (answer?.status === 200) told.released += 1;
  }

  async function consume(
    account: Account,
    edge: 0 | 1,
    eventIdempotencyKey: string = crypto.randomUUID(),
  ): Promise<void> {
    const body = {
      eventName: "call",
      customerReferenceId: account.ref,
      featureKey: "chat",
      usageUnits: 1,
      eventIdempotencyKey,
    };
    const answer = await ask(edge, "POST", "/api/v1/client/entitlements/consume", body);
    if (answer === undefined) account.unknown.push(() => consume(account, 1, eventIdempotencyKey));
    else if (answer.data.receipt !== undefined) {
      account.used += 1;
      told.consumed += 1;
      sums(account);
    }
  }

  /** The second time from a lease, if nobody wrote in between. */
  async function checkTwice(account: Account, edge: 0 | 1): Promise<void> {
    await check(account, edge);
    await check(account, edge);
  }

  async function upgrade(edge: 0 | 1): Promise<void> {
    const account = accounts.find((one) => one.subscriptionId !== undefined && one.limit < biggerPlan.limit);
    if (account === undefined) return;
    account.limit = biggerPlan.limit;
    await changePlan(account, edge);
  }

  async function changePlan(account: Account, edge: 0 | 1): Promise<void> {
    const body = { changeToPlanId: biggerPlan.id, changeType: "UPGRADE" };
    const answer = await ask(edge, "POST", `/api/v1/client/subscriptions/${account.subscriptionId}/plan-change`, body);
    if (answer === undefined) account.unknown.push(() => changePlan(account, 1));
    else if (answer.status < 300) {
      account.seen[edge] = biggerPlan.limit;
      told.upgraded += 1;
    }
  }

  async function act(): Promise<void> {
    const edge = up[Math.floor(Math.random() * up.length)] ?? 1;
    // Few have most of the traffic.
    const account = accounts[Math.floor(accounts.length * Math.random() ** 4)];
    if (account === undefined) throw new Error("nobody to ask for");
    const what = Math.random();
    if (what < 0.3) await checkTwice(account, edge);
    else if (what < 0.68) await reserve(account, edge);
    else if (what < 0.93) await end(account, edge);
    else if (what < 0.98) await consume(account, edge);
    else await upgrade(edge);
  }

  const callers = Array.from({ length: 16 }, async () => {
    while (!isOver) await act();
  });

  return {
    told,
    broken,
    check,
    /** From now on nobody asks edge 0. */
    avoidFirst: () => up.splice(0, 1),
    async stop(): Promise<void> {
      isOver = true;
      await Promise.all(callers);
    },
    /** Everything that nobody knows is asked again, and everything that is promised is used, at edge 1. */
    async finish(account: Account): Promise<void> {
      for (const again of account.unknown.splice(0)) await again();
      for (const open of [...account.open.values()]) await commit(account, open, 1);
    },
  };
}
