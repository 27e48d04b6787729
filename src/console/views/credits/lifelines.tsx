import { count, day, words } from "../../format.ts";
import type { Grant } from "../../wire.ts";

/**
 * Grants on a line of time: from when each came to when it is gone, filled by the share that is left. The table below says the same, so
 * that this is for the eye alone.
 */

/** More rows would be read in the table anyway. */
const ROWS_MAX = 10;
const ROW_HEIGHT = 34;
const AXIS_HEIGHT = 22;
const DAY_MS = 86_400_000;
/** What goes within so many days is marked. */
const SOON_DAYS = 7;
const TICKS = [0, 25, 50, 75, 100] as const;

export function isAlive({ remaining, voidedAt, expiresAt }: Grant, nowMs: number): boolean {
  return remaining > 0 && voidedAt === undefined && (expiresAt === undefined || Date.parse(expiresAt) > nowMs);
}

export function Lifelines({ grants, nowMs }: { grants: readonly Grant[]; nowMs: number }) {
  // As charges draw: soonest expiry first.
  const alive = grants
    .filter((grant) => isAlive(grant, nowMs))
    .sort((a, b) => endOf(a) - endOf(b))
    .slice(0, ROWS_MAX);
  if (alive.length === 0) return null;
  const fromMs = Math.min(...alive.map(({ createdAt }) => Date.parse(createdAt)));
  const lastMs = Math.max(nowMs + 30 * DAY_MS, ...alive.map(endOf).filter(Number.isFinite));
  const untilMs = lastMs + (lastMs - fromMs) * 0.04;
  const at = (ms: number): number => ((Math.min(ms, untilMs) - fromMs) / (untilMs - fromMs)) * 100;
  const height = alive.length * ROW_HEIGHT;
  return (
    <div class="lifelines">
      <svg height={height + AXIS_HEIGHT} role="img" aria-label="How long the grants that are left live">
        {TICKS.map((percent) => (
          <g key={percent}>
            <line class="life-grid" x1={`${percent}%`} x2={`${percent}%`} y1="0" y2={height} />
            <text
              class={percent % 50 === 0 ? "" : "spare"}
              x={`${percent}%`}
              y={height + 16}
              text-anchor={anchorOf(percent)}
            >
              {day(new Date(fromMs + ((untilMs - fromMs) * percent) / 100).toISOString())}
            </text>
          </g>
        ))}
        {alive.map((grant, row) => {
          const [left, right] = [at(Date.parse(grant.createdAt)), at(endOf(grant))];
          const isSoon = endOf(grant) - nowMs < SOON_DAYS * DAY_MS;
          const isLate = left > 60;
          return (
            <g key={grant.id}>
              <text
                class="life-name"
                x={`${isLate ? right : left}%`}
                dx={isLate ? -4 : 4}
                y={row * ROW_HEIGHT + 12}
                text-anchor={isLate ? "end" : "start"}
              >
                {words(grant.grantType)}, {count(grant.remaining)} left
                {grant.expiresAt === undefined ? ", never expires" : ""}
              </text>
              <rect
                class="life-whole"
                x={`${left}%`}
                y={row * ROW_HEIGHT + 18}
                width={`${right - left}%`}
                height="8"
                rx="4"
              />
              <rect
                class={isSoon ? "life-left soon" : "life-left"}
                x={`${left}%`}
                y={row * ROW_HEIGHT + 18}
                width={`${(right - left) * (grant.remaining / grant.amount)}%`}
                height="8"
                rx="4"
              />
            </g>
          );
        })}
        <line class="life-now" x1={`${at(nowMs)}%`} x2={`${at(nowMs)}%`} y1="0" y2={height + 4} />
      </svg>
    </div>
  );
}

function endOf({ expiresAt }: Grant): number {
  return expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(expiresAt);
}

function anchorOf(percent: number): "start" | "middle" | "end" {
  return percent === 0 ? "start" : percent === 100 ? "end" : "middle";
}
