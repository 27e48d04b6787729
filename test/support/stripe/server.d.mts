export type RunningDouble = {
  /** Where it is reached, without a slash at the end. */
  url: string;
  snapshot(): string;
  stop(): Promise<void>;
};

export function startStripeDouble(options?: {
  port?: number | undefined;
  seed?: string | undefined;
  snapshot?: string | undefined;
}): Promise<RunningDouble>;
