declare module "vitest" {
  export interface ProvidedContext {
    /** What a first start left in its folder when it was stopped, seeded, and what it said. Files start on copies of the folder. */
    firstStart: { state: string; output: string };
  }
}

export {};
