import type { LendCall } from "../../src/customer/reservation-calls.ts";
import type { GrantedBlock } from "../../src/domain/block.ts";
import { blockIdOf, handedOutId, signerOf } from "../../src/domain/block-id.ts";
import { tagOfCustomer, type Uuid } from "../../src/domain/ids.ts";
import { type Reserved, reserve } from "./access.ts";
import { ok } from "./sale.ts";
import type { World } from "./world.ts";

/** Blocks, as isolates ask for them and hand out of them. */

/** Reserves one unit until an answer comes from a block. */
export async function fromBlock(world: World, body: Record<string, unknown> = {}): Promise<Reserved> {
  for (let asked = 0; asked < 10; asked += 1) {
    const made = await ok(reserve(world, body));
    if (made.entitlement.source === "block") return made;
  }
  throw new Error("no block was lent");
}

/** What the object lends another isolate, if it does. */
export async function wished(
  world: World,
  id: string,
  units: number,
  terms: Partial<LendCall> = {},
): Promise<GrantedBlock | undefined> {
  const one = 10n ** 12n;
  const wish = { unitsE12: BigInt(units) * one, eachE12: one, closed: [] };
  const reply = await world.object(id).lend({ featureKey: "chat", isEnabled: true, wish, ...terms });
  return reply.ok ? reply.value.block : undefined;
}

/** A block that another isolate holds. */
export async function lent(world: World, id: string, units: number): Promise<GrantedBlock> {
  const block = await wished(world, id, units);
  if (block === undefined) throw new Error("no block was lent");
  return block;
}

/** An id as that isolate hands it out. */
export function idOf(
  customerId: string,
  { block, secret, grantedAtMs }: GrantedBlock,
  sequence: number,
  units = 1,
  ttl = 60,
): string {
  const handedOut = { sequence, unitsE12: BigInt(units) * 10n ** 12n, expiresAtMs: grantedAtMs + ttl * 1000 };
  return handedOutId(blockIdOf(tagOfCustomer(customerId as Uuid), block), handedOut, signerOf(secret));
}
