export function editCustomerFile(state: string, reference: string, statement: string): void;
