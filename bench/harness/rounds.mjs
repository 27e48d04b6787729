import { median } from "./statistics.mjs";

/**
 * Runs `probes` in turn, `rounds` times over, at one number of connections: a floor and what is held against it then
 * see the same minute of a noisy machine, and no single bad moment decides. Returns probe name → the rounds' figures.
 *
 * A probe is { name, instance, job, connections?, unitsPerRequest?, amount?, steadySeconds? }; a job is what the client's `drive` takes.
 * With an `amount` a round sends so many requests instead of lasting so long: for requests that take a good part of a round. With
 * `steadySeconds` each round begins so long before it is measured: for what is remembered for a second while a client asks, and
 * forgotten while the other probes have their turn.
 */
export async function interleave({ client, probes, connections, rounds, seconds }) {
  const figures = new Map(probes.map((probe) => [probe.name, []]));
  const drive = ({ job, amount, ...probe }, length) =>
    client.drive({
      ...job,
      connections: probe.connections ?? connections,
      ...(amount === undefined ? { seconds: length } : { amount }),
    });
  for (const probe of probes) await drive(probe, Math.min(1, seconds));
  for (let round = 0; round < rounds; round += 1) {
    // Every other round goes backwards, so that no probe always runs in the wake of the same neighbour.
    for (const probe of round % 2 === 0 ? probes : probes.toReversed()) {
      if (probe.steadySeconds !== undefined) await drive(probe, probe.steadySeconds);
      const result = await drive(probe, seconds);
      const unitsPerSecond = result.perSecond * (probe.unitsPerRequest ?? 1);
      figures.get(probe.name).push({ ...result, unitsPerSecond, memoryBytes: probe.instance.memoryBytes() });
    }
  }
  return figures;
}

/** The rounds of one probe as one figure: the median of each number, the most memory. */
export function summary(rounds) {
  const middle = (field) => median(rounds.map((round) => round[field]));
  return {
    p50: middle("p50"),
    p99: middle("p99"),
    unitsPerSecond: middle("unitsPerSecond"),
    memoryBytes: Math.max(...rounds.map((round) => round.memoryBytes)),
  };
}

/** The median over rounds of measure ÷ floor in `field`, each measure over the floor of its own round. */
export function ratioOf(measured, floors, field) {
  return median(measured.map((round, index) => round[field] / floors[index][field]));
}
