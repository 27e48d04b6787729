/**
 * Is this failure D1's: away, overloaded, reset? Its client begins every such message with `D1_`; a wrong type handed to it
 * (`D1_TYPE_ERROR`) is our own bug. What needs D1 then answers `catalog_unavailable`, what an isolate knows goes on.
 */
export function isDatabaseFailure(failure: unknown): boolean {
  if (!(failure instanceof Error)) return false;
  const { message, cause } = failure;
  return (message.startsWith("D1_") && !message.startsWith("D1_TYPE_ERROR")) || isDatabaseFailure(cause);
}
