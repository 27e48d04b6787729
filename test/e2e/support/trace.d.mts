export type TraceFile = {
  path: string;
  rows: number;
  inputTokens: number;
  outputTokens: number;
  cost: number;
  /** Writes another file beside it; answers its path. */
  write(name: string, text: string): string;
};

export function traceFile(folder: string, rowCount: number): TraceFile;
export function importFile(trace: TraceFile, url: string, more: readonly string[]): string[];
