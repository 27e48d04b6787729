import { OBJECT_BYTES_MAX, OBJECT_BYTES_META_MAX } from "../domain/limits.ts";

/** How full an object may get; `OBJECT_LIMITS` turns them down for tests. Bytes of its database. */
export type ObjectLimits = { metaBytesMax: number; eventBytesMax: number };

export function objectLimits(text: string | undefined): ObjectLimits {
  const limits: ObjectLimits = { metaBytesMax: OBJECT_BYTES_META_MAX, eventBytesMax: OBJECT_BYTES_MAX };
  return text === undefined || text === "" ? limits : { ...limits, ...(JSON.parse(text) as Partial<ObjectLimits>) };
}

/** Events are refused above this: what is left is for money commands, which must always work. */
export function hasRoomForEvents(sql: SqlStorage, limits: ObjectLimits): boolean {
  return sql.databaseSize < limits.eventBytesMax;
}

/** Above this the caller's meta is no longer kept: the figures are worth more than the remarks. */
export function hasRoomForMeta(sql: SqlStorage, limits: ObjectLimits): boolean {
  return sql.databaseSize < limits.metaBytesMax;
}
