/**
 * The one function of node:crypto we use: an object hashes in the middle of a synchronous turn, where SubtleCrypto cannot, and a
 * route saves the turn that waiting for it would cost.
 */
declare module "node:crypto" {
  export function createHash(algorithm: "sha256"): {
    update(data: string | Uint8Array): { digest(): Uint8Array; digest(encoding: "hex"): string };
  };
}
