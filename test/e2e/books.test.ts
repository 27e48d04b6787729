import { afterAll, beforeAll, describe, test } from "vitest";
import { ask, get } from "./support/api.ts";
import { editCustomerFile } from "./support/customer-file.mjs";
import { newStateFolder, removeStateFolder, startTanso, stopTanso, type Tanso } from "./support/tanso.mjs";

/** The books of the seeded account, before and after somebody changed rows on the disk of a server that was stopped. */

const state = newStateFolder();

type Law = { law: string; holds: boolean; firstBreak?: { kind: string; id: string; why: string } };
type Books = { customerId: string; holds: boolean; laws: Law[] };
type Verified = {
  customers: number;
  broken: { customerId: string; laws: Law[] }[];
  unfinished: string[];
  nextCursor?: string;
};
type Thing = { id: string; transactionType?: string; grantType?: string };

/** Rows that are changed, and how the books must name each: `named` finds the thing in the customer's pool, before the change. */
const EDITS = [
  {
    what: "a transaction that says it took less",
    reference: "nova-retail",
    sql: `UPDATE credit_entries SET body = json_set(body, '$.amountE4.$bigint', '-9870000') WHERE type = 'DEDUCTION'`,
    named: { list: "/transactions", is: ({ transactionType }: Thing) => transactionType === "DEDUCTION" },
    law: "ledger_chain",
    kind: "credit transaction",
    why: "leaves 12, its amount leaves 13",
  },
  {
    what: "a transaction that is gone: the one after it does not go on",
    reference: "onyx-press",
    sql: "DELETE FROM credit_entries WHERE type = 'DEDUCTION'",
    named: { list: "/transactions", is: ({ transactionType }: Thing) => transactionType === "FREEZE" },
    law: "ledger_chain",
    kind: "credit transaction",
    why: "begins with 960, the one before left 1000",
  },
  {
    what: "a grant that has more left",
    reference: "pico-health",
    sql: `UPDATE credit_grants SET body = json_set(body, '$.remainingE4.$bigint', '1250001') WHERE key = 'seed:promotion'`,
    named: { list: "/grants", is: ({ grantType }: Thing) => grantType === "PROMOTIONAL" },
    law: "grants_ledger",
    kind: "credit grant",
    why: "has 125.0001 left, its ledger leaves 125",
  },
  {
    what: "a pool with a higher balance",
    reference: "quill-travel",
    sql: "UPDATE credit_pools SET body = json_set(body, '$.balanceE4.$bigint', '8800001')",
    named: { list: "", is: () => true },
    law: "pool_ledger",
    kind: "credit pool",
    why: "its balance is not what its last entry left",
  },
  {
    what: "a pool with a word for its balance, which its object cannot read when it starts,",
    reference: "demo-user",
    sql: "UPDATE credit_pools SET body = json_set(body, '$.balanceE4.$bigint', 'x')",
    named: { list: "", is: () => true },
    law: "rows_read",
    kind: "credit pool",
    why: "its row of credit_pools cannot be read: Cannot convert x to a BigInt",
  },
] as const;

let tanso: Tanso;
let before: Books[];
let verifiedBefore: Verified;
/** Ids of what the books must name, by customer. */
const named = new Map<string, string>();

beforeAll(async () => {
  tanso = await startTanso(state, { args: [] });
  await tanso.says("The Demo account is filled");
  before = await booksOfAll();
  verifiedBefore = await verify();
  for (const edit of EDITS) named.set(edit.reference, await idOf(edit));
  await stopTanso(tanso);
  for (const { reference, sql } of EDITS) editCustomerFile(state, reference, sql);
  tanso = await startTanso(state);
});
afterAll(async () => {
  await stopTanso(tanso);
  removeStateFolder(state);
});

async function idOf({ reference, named: { list, is } }: (typeof EDITS)[number]): Promise<string> {
  const items = async (path: string) => ((await get(tanso, path)).data as { items: Thing[] }).items;
  const pools = `/api/v1/client/credits/${reference}/pools`;
  const found = list === "" ? await items(pools) : await items(`${pools}/${(await items(pools))[0]?.id}${list}`);
  const thing = found.find(is);
  if (thing === undefined) throw new Error(`${reference} has nothing of the kind`);
  return thing.id;
}

async function booksOf(reference: string): Promise<Books> {
  const { status, data } = await get(tanso, `/api/v1/monetization/customers/${reference}/books`);
  if (status !== 200) throw new Error(`the books of ${reference} answer ${status}`);
  return data as Books;
}

async function booksOfAll(): Promise<Books[]> {
  const { data } = await get(tanso, "/api/v1/monetization/customers?limit=200");
  const { items } = data as { items: Thing[] };
  return Promise.all(items.map(({ id }) => booksOf(id)));
}

async function verify(): Promise<Verified> {
  return (await ask(tanso, "POST", "/api/v1/monetization/books/verify", { limit: 200 })).data as Verified;
}

describe("does", () => {
  test("the books of every seeded customer are right, one by one and all together", ({ expect }) => {
    expect(before).toHaveLength(27);
    expect(before.filter(({ holds }) => !holds)).toEqual([]);
    // of demo-user and the five who buy credits.
    expect(before.flatMap(({ laws }) => laws).filter(({ law }) => law === "ledger_chain")).toHaveLength(6);
    expect(verifiedBefore).toMatchObject({ customers: 27, broken: [], unfinished: [] });
    expect(verifiedBefore).not.toHaveProperty("nextCursor");
  });

  test.for(EDITS)("$what is found and named", async ({ reference, law, kind, why }, { expect }) => {
    const broken = { law, holds: false, firstBreak: { kind, id: named.get(reference), why } };
    const { customerId, holds, laws } = await booksOf(reference);
    expect({ holds, laws }).toMatchObject({
      holds: false,
      laws: expect.arrayContaining([expect.objectContaining(broken)]),
    });
    const found = (await verify()).broken.find((customer) => customer.customerId === customerId);
    expect(found?.laws).toEqual(laws.filter((one) => !one.holds));
  });
});

describe("holds", () => {
  test("nobody else's books are said to be broken", async ({ expect }) => {
    const { customers, broken, unfinished } = await verify();
    const edited = await Promise.all(EDITS.map(async ({ reference }) => (await booksOf(reference)).customerId));
    expect({ customers, unfinished }).toEqual({ customers: 27, unfinished: [] });
    expect(broken.map(({ customerId }) => customerId).sort()).toEqual(edited.sort());
  });
});
