declare module "vitest" {
  export interface ProvidedContext {
    /** The seeded server that all e2e files share. They may add data, never stop it. */
    tanso: { url: string; port: number; output: string };
  }
}

export {};
