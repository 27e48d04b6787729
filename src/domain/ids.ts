/**
 * Ids that route. Every id of a customer's things is a UUIDv8 whose first 58 free bits are the customer's random tag and whose
 * other 64 bits are a kind (8 bits) and a number of that kind (56 bits), so any id leads to the customer's object without a
 * look-up and the customer's own id can be told from any of them (CONTRACT 11.1, DESIGN "Ids route").
 *
 * Bits, most significant first: tag 48 | version 4 (=8) | tag 10, own 2 | variant 2 (=10) | own 62.
 */

/** UUID text in lower case. */
export type Uuid = string & { readonly __uuid: unique symbol };

/** The customer's tag: 58 bits as 15 hexadecimal digits. It names the object: `accountId/tag`. */
export type CustomerTag = string & { readonly __tag: unique symbol };

/** What an id names. Numbers are never reused: ids are for ever. */
export const ID_KINDS = { customer: 0, event: 1, key: 2 } as const;
export type IdKind = keyof typeof ID_KINDS;

const TAG_BITS = 58n;
const OWN_NUMBER_BITS = 56n;
const UUID_TEXT = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Random bytes of the caller's dice → a tag. Needs at least 8 bytes. */
export function tagFromBytes(bytes: Uint8Array): CustomerTag {
  let value = 0n;
  for (const byte of bytes.subarray(0, 8)) value = (value << 8n) | BigInt(byte);
  return (value & ((1n << TAG_BITS) - 1n)).toString(16).padStart(15, "0") as CustomerTag;
}

function uuidText(value: bigint): Uuid {
  const hex = value.toString(16).padStart(32, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}` as Uuid;
}

/** The id of thing `number` of one kind and customer. `number` is 0 … 2⁵³ − 1, counted inside the customer's object. */
export function customerThingId(tag: CustomerTag, kind: IdKind, number: number): Uuid {
  const tagBits = BigInt(`0x${tag}`);
  const own = (BigInt(ID_KINDS[kind]) << OWN_NUMBER_BITS) | BigInt(number);
  return uuidText(
    ((tagBits >> 10n) << 80n) |
      (8n << 76n) |
      ((tagBits & 0x3ffn) << 66n) |
      ((own >> 62n) << 64n) |
      (2n << 62n) |
      (own & ((1n << 62n) - 1n)),
  );
}

export function customerId(tag: CustomerTag): Uuid {
  return customerThingId(tag, "customer", 0);
}

/** An id taken apart, or undefined when it is not one of ours (then it answers 404 like an unknown one). */
export function readCustomerThingId(text: string): { tag: CustomerTag; kind: IdKind; number: number } | undefined {
  const lower = text.toLowerCase();
  if (!UUID_TEXT.test(lower) || lower[14] !== "8") return undefined;
  const value = BigInt(`0x${lower.replaceAll("-", "")}`);
  if (((value >> 62n) & 3n) !== 2n) return undefined;
  const tagBits = ((value >> 80n) << 10n) | ((value >> 66n) & 0x3ffn);
  const own = (((value >> 64n) & 3n) << 62n) | (value & ((1n << 62n) - 1n));
  const kindNumber = Number(own >> OWN_NUMBER_BITS);
  const kind = (Object.keys(ID_KINDS) as IdKind[]).find((name) => ID_KINDS[name] === kindNumber);
  const number = own & ((1n << OWN_NUMBER_BITS) - 1n);
  if (kind === undefined || number > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  return { tag: tagBits.toString(16).padStart(15, "0") as CustomerTag, kind, number: Number(number) };
}

/** The tag in a customer's own id. Throws on any other id: use it on ids that the directory gave. */
export function tagOfCustomer(id: Uuid): CustomerTag {
  const parts = readCustomerThingId(id);
  if (parts === undefined || parts.kind !== "customer") throw new Error("not a customer's id");
  return parts.tag;
}
