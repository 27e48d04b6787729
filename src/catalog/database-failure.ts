/**
 * Is this failure D1's: away, overloaded, reset? Its client begins every such message with `D1_`; a wrong type handed to it
 * (`D1_TYPE_ERROR`) and what SQLite itself refuses (`SQLITE_…`) are our own bugs. What needs D1 then answers `catalog_unavailable`, what an isolate knows goes on.
 */
export function isDatabaseFailure(failure: unknown): boolean {
  if (!(failure instanceof Error)) return false;
  const { message, cause } = failure;
  const ours = message.startsWith("D1_TYPE_ERROR") || message.includes("SQLITE_");
  return (message.startsWith("D1_") && !ours) || isDatabaseFailure(cause);
}
