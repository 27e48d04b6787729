export type Edges = {
  /** Where each edge service answers. */
  urls: [string, string];
  /** Ends an edge service's process as a power cut would. */
  kill(edge: 0 | 1): void;
  close(): Promise<void>;
};

/** `seed` fills a single service with what the edges are to know: they read a copy of its D1. */
export function openEdges(seed: (url: string) => Promise<void>): Promise<Edges>;

export const ROOT_TOKEN: string;
