import type { RequestScope } from "./request-scope.ts";

/** D1 as one request sees it: the database itself, with each round trip counted. */
export class CountedDatabase implements D1Database {
  readonly #database: D1Database;
  readonly #scope: RequestScope;

  constructor(database: D1Database, scope: RequestScope) {
    this.#database = database;
    this.#scope = scope;
  }

  prepare(query: string): D1PreparedStatement {
    return new CountedStatement(this.#database.prepare(query), this.#scope);
  }

  batch<T>(statements: D1PreparedStatement[]): Promise<D1Result<T>[]> {
    return this.#scope.toDatabase(() => this.#database.batch<T>(statements.map(itself)));
  }

  exec(query: string): Promise<D1ExecResult> {
    return this.#scope.toDatabase(() => this.#database.exec(query));
  }

  withSession(constraint?: D1SessionBookmark | D1SessionConstraint): D1DatabaseSession {
    return this.#database.withSession(constraint);
  }

  dump(): Promise<ArrayBuffer> {
    return this.#scope.toDatabase(() => this.#database.dump());
  }
}

class CountedStatement implements D1PreparedStatement {
  readonly statement: D1PreparedStatement;
  readonly #scope: RequestScope;

  constructor(statement: D1PreparedStatement, scope: RequestScope) {
    this.statement = statement;
    this.#scope = scope;
  }

  bind(...values: unknown[]): D1PreparedStatement {
    return new CountedStatement(this.statement.bind(...values), this.#scope);
  }

  // The platform's own overloads: which of them is meant, it tells by the arguments.
  first<T>(...args: [string?]): Promise<T | null> {
    const [column] = args;
    return this.#scope.toDatabase(() =>
      column === undefined ? this.statement.first<T>() : this.statement.first<T>(column),
    );
  }

  run<T>(): Promise<D1Result<T>> {
    return this.#scope.toDatabase(() => this.statement.run<T>());
  }

  all<T>(): Promise<D1Result<T>> {
    return this.#scope.toDatabase(() => this.statement.all<T>());
  }

  raw<T = unknown[]>(options: { columnNames: true }): Promise<[string[], ...T[]]>;
  raw<T = unknown[]>(options?: { columnNames?: false }): Promise<T[]>;
  raw<T>(options?: { columnNames?: boolean }): Promise<T[] | [string[], ...T[]]> {
    return this.#scope.toDatabase<T[] | [string[], ...T[]]>(() =>
      options?.columnNames === true ? this.statement.raw<T>({ columnNames: true }) : this.statement.raw<T>(),
    );
  }
}

/** What D1 takes in a batch: statements of its own. */
function itself(statement: D1PreparedStatement): D1PreparedStatement {
  return statement instanceof CountedStatement ? statement.statement : statement;
}
