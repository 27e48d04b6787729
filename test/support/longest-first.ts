import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take longest, in this order, in seconds on two processors; every other one takes less than half a minute. */
const SECONDS: Record<string, number> = {
  "worker/fuzz": 105,
  "browser/settings": 110,
  "browser/credits": 100,
  "e2e/edges": 100,
  "e2e/subscriptions": 90,
  "worker/years/part-4.sim": 90,
  "browser/plans": 80,
  "browser/console": 70,
  "e2e/start": 65,
  "worker/years/part-3.sim": 65,
  "worker/years/part-2.sim": 60,
  "worker/years/part-1.sim": 55,
  "e2e/import": 50,
  "browser/subscriptions": 50,
  "browser/story": 50,
  "browser/stripe": 35,
  "browser/invoices": 45,
  "worker/credits.sim": 45,
};

/** The longest files first: where one of them comes last, a single processor is busy at the end. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const seconds = ({ moduleId }: TestSpecification) =>
      SECONDS[/\/test\/(.+)\.test\.ts$/.exec(moduleId)?.[1] ?? ""] ?? 0;
    return (await super.sort(files)).sort((one, other) => seconds(other) - seconds(one));
  }
}
