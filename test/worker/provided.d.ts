declare module "vitest" {
  export interface ProvidedContext {
    /** The double of Stripe; the Worker under test has its address as STRIPE_API_BASE. */
    stripeDouble: { url: string };
    /**
     * What the simulated year runs through: these seeds, each so many days long. `payments`: every second account is paid through the
     * double of Stripe. `shortenMs`: how long the history of a seed that fails is shortened.
     */
    years: { seeds: number[]; days: number; payingEach: number; shortenMs: number };
  }
}

export {};
