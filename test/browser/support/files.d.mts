export function shotPath(name: string): string;
export function axeSource(): string;
export function fileText(path: string): string;
