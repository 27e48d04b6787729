/** The one function of node:crypto we use: the object hashes in the middle of a synchronous turn, where SubtleCrypto cannot. */
declare module "node:crypto" {
  export function createHash(algorithm: "sha256"): {
    update(data: string | Uint8Array): { digest(): Uint8Array };
  };
}
