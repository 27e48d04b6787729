export const README: string;
export function shellOf(heading: string): string[];
