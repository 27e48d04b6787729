/** A part of a list: `limit` is 1…200, `offset` counts from 0. The border has clamped both. */
export type Page = { limit: number; offset: number };
