/**
 * Ids that route. Every id of a customer's things is a UUIDv8 whose first 58 free bits are the customer's random tag and whose
 * other 64 bits are a kind (8 bits) and a number of that kind (56 bits), so any id leads to the customer's object without a
 * look-up and the customer's own id can be told from any of them.
 *
 * Bits, most significant first: tag 48 | version 4 (=8) | tag 10, kind 2 | variant 2 (=10), kind 6 | number 56. Written so that the
 * tag's digits stand in the id as they are: ids are made and read for every event, and text costs a tenth of wide integers.
 */

/** UUID text in lower case. */
export type Uuid = string & { readonly __uuid: unique symbol };

/**
 * The customer's tag: the id's first fifteen hexadecimal digits but for the version, that is 58 bits and two bits of 0. It names
 * the object: `accountId/tag`.
 */
export type CustomerTag = string & { readonly __tag: unique symbol };

/** What an id names. Numbers are never reused: ids are for ever. Below 64, so that the two kind bits beside the tag are 0. */
export const ID_KINDS = {
  customer: 0,
  event: 1,
  key: 2,
  subscription: 3,
  invoice: 4,
  invoiceLine: 5,
  planChange: 6,
  reservation: 7,
  creditPool: 8,
  creditGrant: 9,
  creditEntry: 10,
  balanceEntry: 11,
  payment: 12,
} as const;
export type IdKind = keyof typeof ID_KINDS;

const KIND_NAMES = Object.keys(ID_KINDS) as IdKind[];
const OURS = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{2}[048c]-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const LOW_BITS = 2 ** 48;

/** Random bytes of the caller's dice → a tag. Needs at least 8 bytes. */
export function tagFromBytes(bytes: Uint8Array): CustomerTag {
  let digits = "";
  for (const byte of bytes.subarray(0, 8)) digits += byte.toString(16).padStart(2, "0");
  const last = Number.parseInt(digits.charAt(14), 16) & 0xc;
  return (digits.slice(0, 14) + last.toString(16)) as CustomerTag;
}

/** A customer's place in a span of time, the same always: spreads what many customers would else do at once. Below `spanMs`. */
export function spreadOf(tag: CustomerTag, spanMs: number): number {
  return Number.parseInt(tag.slice(0, 8), 16) % spanMs;
}

/** The id of thing `number` of one kind and customer. `number` is 0 … 2⁵³ − 1, counted inside the customer's object. */
export function customerThingId(tag: CustomerTag, kind: IdKind, number: number): Uuid {
  const high = 0x8000 + ID_KINDS[kind] * 256 + Math.floor(number / LOW_BITS);
  const low = (number % LOW_BITS).toString(16).padStart(12, "0");
  return `${tag.slice(0, 8)}-${tag.slice(8, 12)}-8${tag.slice(12)}-${high.toString(16)}-${low}` as Uuid;
}

export function customerId(tag: CustomerTag): Uuid {
  return customerThingId(tag, "customer", 0);
}

/** An id taken apart, or undefined when it is not one of ours (then it answers 404 like an unknown one). */
export function readCustomerThingId(text: string): { tag: CustomerTag; kind: IdKind; number: number } | undefined {
  const lower = text.toLowerCase();
  if (!OURS.test(lower)) return undefined;
  const high = Number.parseInt(lower.slice(19, 23), 16) - 0x8000;
  const kindNumber = high >> 8;
  const kind = KIND_NAMES.find((name) => ID_KINDS[name] === kindNumber);
  const number = (high & 0xff) * LOW_BITS + Number.parseInt(lower.slice(24), 16);
  if (kind === undefined || !Number.isSafeInteger(number)) return undefined;
  return { tag: tagDigits(lower), kind, number };
}

function tagDigits(id: string): CustomerTag {
  return (id.slice(0, 8) + id.slice(9, 13) + id.slice(15, 18)) as CustomerTag;
}

/** All ids of a customer and its things, as text, are in `[from, to)`: they begin alike, up to and with the third hyphen. */
export function idRange(customerId: string): { from: string; to: string } {
  const from = customerId.slice(0, 19);
  // The character behind the hyphen.
  return { from, to: `${from.slice(0, -1)}.` };
}

const CUSTOMER_OWN = "-8000-000000000000";

/** The tag in a customer's own id. Throws on any other id: use it on ids that the directory gave. */
export function tagOfCustomer(id: Uuid): CustomerTag {
  if (!id.endsWith(CUSTOMER_OWN)) throw new Error("not a customer's id");
  return tagDigits(id);
}
