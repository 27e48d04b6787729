export type Inbox = {
  url: string;
  /** In the order of arrival. */
  received(): { path: string; headers: Record<string, string>; body: string }[];
  /** The statuses of the next answers; 200 after them. */
  answerWith(...statuses: number[]): void;
  clear(): void;
  close(): void;
};

export function openInbox(): Promise<Inbox>;
