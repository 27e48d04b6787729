export function paste(script: string, folder: string): Promise<string>;
