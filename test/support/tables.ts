import type { CustomerObject } from "../../src/customer/object.ts";

/** SQL on the tables of an object, none of which is behind; see `src/customer/write-behind.ts`. */
export function sqlOf(object: CustomerObject): SqlStorage {
  // biome-ignore lint/complexity/useLiteralKeys: what is protected is reached in no other way.
  return object["customer"].sql;
}
