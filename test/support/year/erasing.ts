import { rowsInObject } from "../personal.ts";
import { rowsOf } from "../probe.ts";
import type { World } from "../world.ts";
import type { Book } from "./book.ts";
import type { Heard, Who } from "./commands.ts";
import type { Fact, Told } from "./facts.ts";

/** A customer is erased: what they owe and own stays and falls due as before, who they are is gone, and nothing new is taken on. */

type Named = Who & { id: string };

export async function tellErase({ call }: World, { id }: Named): Promise<Heard> {
  const { status } = await call("DELETE", `/api/v1/monetization/customers/${id}`);
  if (status >= 500) return undefined;
  if (status !== 200 && status !== 409) throw new Error(`an erasure was answered with ${status}`);
  return { told: status === 200 ? "done" : "refused" };
}

/** Whoever is still served is known. */
export function erase(book: Book): Told {
  if (book.subs.some(({ status }) => status !== "CANCELLED")) return "refused";
  book.isErased = true;
  return "done";
}

/** What is open of the customer's bills can be settled, and money still comes and goes at the provider. */
const STILL_DONE: readonly Fact["kind"][] = [
  "seen",
  "erase",
  "pay",
  "void",
  "payout",
  "collected",
  "underWay",
  "givenBack",
  "payoutBack",
  "bought",
];

export const isTooLate = ({ isErased }: Book, { kind }: Fact): boolean => isErased && !STILL_DONE.includes(kind);

/** Nothing of the customer's names is in any row of the object or of D1. */
export async function mustBeForgotten(world: World, { id, reference }: Named): Promise<void> {
  const rows = [...(await rowsInObject(world, id)), ...(await rowsOf(world.accountId))];
  const left = rows.filter((row) => row.includes(reference));
  if (left.length > 0) throw new Error(`of ${reference}, who was erased, there is still\n  ${left.join("\n  ")}`);
}
