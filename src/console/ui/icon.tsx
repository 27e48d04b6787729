/** Icons as strokes on a grid of 16; decoration beside words, so hidden from readers of the screen. */
const PATHS = {
  overview: "M2.5 13.5h11M4.5 11V8M8 11V3.5M11.5 11V6",
  customers:
    "M6 7.5a2.25 2.25 0 1 0 0-4.5 2.25 2.25 0 0 0 0 4.5ZM2 13c.3-2.4 1.8-3.6 4-3.6s3.7 1.2 4 3.600M10.5 3.200a2.2 2.2 0 0 1 0 4.200M12 9.7c1.2.5 1.9 1.6 2.1 3.3",
  subscriptions:
    "M13 6.500A5.2 5.2 0 0 0 3.400 5.500M3 9.500a5.2 5.2 0 0 0 9.600 1M3 2.800v2.900h2.900M13 13.200v-2.900h-2.900",
  credits:
    "M8 6.500c3 0 5-.8 5-2s-2-2-5-2-5 .8-5 2 2 2 5 2ZM3 4.500v3.500c0 1.200 2 2 5 2s5-.8 5-2V4.500M3 8v3.500c0 1.200 2 2 5 2s5-.8 5-2V8",
  clock: "M8 13.500a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11ZM8 5v3.200l2.200 1.300",
  plans: "M3 3.5h10v9H3zM3 6.500h10M6 9.500h4",
  features: "M8 2.500l5 2.750v5.500L8 13.500l-5-2.750v-5.500zM3 5.250l5 2.750 5-2.750M8 8v5.5",
  invoices: "M4 2.500h8v11l-2-1.250-2 1.250-2-1.250-2 1.250zM6 5.500h4M6 8.500h4",
  events: "M2.5 8H5l1.500-4 3 8L11 8h2.500",
  models:
    "M4.5 4.500h7v7h-7zM6.5 2v2.500M9.5 2v2.500M6.5 11.500V14M9.5 11.500V14M2 6.500h2.500M2 9.500h2.500M11.5 6.500H14M11.5 9.500H14",
  settings: "M2.5 5h6M11.5 5h2M10 3.500v3M2.5 11h2M7.5 11h6M6 9.500v3",
  search: "M7 11.500a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM10.5 10.500l3 3",
  light:
    "M8 10.500a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM8 1.500v1.500M8 13v1.500M1.5 8H3M13 8h1.500M3.4 3.400l1.1 1.100M11.5 11.500l1.1 1.100M12.6 3.400l-1.1 1.100M4.5 11.500l-1.1 1.1",
  dark: "M13 9.500A5.5 5.5 0 0 1 6.5 3 5.5 5.5 0 1 0 13 9.500Z",
  auto: "M8 13.500a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11ZM8 2.500v11M8 5h4.500M8 8h5.500M8 11h4.5",
  signOut: "M6.5 2.500h-3v11h3M10 5l3 3-3 3M13 8H6",
  menu: "M2.5 4.500h11M2.5 8h11M2.5 11.500h11",
  close: "M4 4l8 8M12 4l-8 8",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
