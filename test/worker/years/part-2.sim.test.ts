import { simulate } from "../../support/year/simulate.ts";

simulate(2);
