/** Lists that are short: one page of the API's largest size is read, and searched here. */

export const LISTED_MAX = 200;

/** Does any of these have the words that somebody looks for? Without any, all have. */
export function hasWords(search: string, ...fields: readonly (string | undefined)[]): boolean {
  const wanted = search.trim().toLowerCase();
  return fields.some((field) => (field ?? "").toLowerCase().includes(wanted));
}
