/** The smallest value that at least `share` percent of `sorted` do not exceed. Undefined without values. */
export function percentile(sorted, share) {
  return sorted[Math.max(0, Math.ceil((share / 100) * sorted.length) - 1)];
}

/** The middle value; of an even number, the mean of the middle two. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
