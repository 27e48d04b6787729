/** A process of one of our scripts. */
export type Running = {
  /** All it said so far. */
  output(): string;
  /** Waits until its output has `text`; throws with the output when it ends or takes too long before. */
  says(text: string): Promise<void>;
  signal(name: "SIGINT" | "SIGTERM" | "SIGKILL"): void;
  /** Its exit status. */
  ended: Promise<number | null>;
};

export type Tanso = Running & { url: string; port: number; state: string };

export function answersSecond(): Promise<{ url: string; asked(): number; leave(): void }>;
export function becomesHealthy(url: string, ended: Promise<unknown>): Promise<boolean>;
export function launch(
  script: string,
  args: readonly string[],
  env?: Record<string, string>,
  options?: { shell?: boolean },
): Running;
export function run(
  script: string,
  args: readonly string[],
  env?: Record<string, string>,
): Promise<{ status: number | null; output: string }>;
export function startTanso(
  state: string,
  options?: { args?: readonly string[]; port?: number; asNpm?: boolean; script?: string },
): Promise<Tanso>;
export function stopTanso(tanso: Tanso): Promise<number | null>;
export function newStateFolder(): string;
export function copyOfState(state: string): string;
export function removeStateFolder(state: string): void;
export function freePort(): Promise<number>;
export function occupyPort(): Promise<{ port: number; leave(): Promise<void> }>;
export function serverGroup(state: string): number;
export function crash(state: string): void;
export function crashAndStart(tanso: Tanso): Promise<Tanso>;
export function livingInGroup(groupId: number): number;
