import { DurableObject } from "cloudflare:workers";
import worker, { CustomerObject as Near } from "./index.js";

/**
 * The engine with its objects far away: each call of an object takes half of `TRIP_MS` there and half of it back, as it would across
 * a continent. What the object does meanwhile for others, and for itself, is not slowed down.
 */

export default worker;

export class CustomerObject extends DurableObject {
  near;
  halfTripMs;

  constructor(ctx, env) {
    super(ctx, env);
    this.near = new Near(ctx, env);
    this.halfTripMs = env.TRIP_MS / 2;
  }

  alarm() {
    return this.near.alarm();
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// What can be called stands on the prototypes; nothing is called under a name that does not stand there.
for (let at = Near.prototype; at !== DurableObject.prototype; at = Object.getPrototypeOf(at)) {
  for (const name of Object.getOwnPropertyNames(at)) {
    if (name in CustomerObject.prototype) continue;
    CustomerObject.prototype[name] = async function call(...given) {
      await pause(this.halfTripMs);
      try {
        return await this.near[name](...given);
      } finally {
        await pause(this.halfTripMs);
      }
    };
  }
}
