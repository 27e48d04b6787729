import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useAsk, withQuery } from "../../api.ts";
import { count, day, exactMoney, words } from "../../format.ts";
import { place } from "../../router.ts";
import { InstantField, instantOf } from "../../ui/form.tsx";
import { Badge, Card, Fact, Figure, Time } from "../../ui/parts.tsx";
import { Answer } from "../../ui/states.tsx";
import type { BalanceAt, Customer, Forecast, Grant, Pool as PoolOf } from "../../wire.ts";
import { CustomerLink } from "../customer-link.tsx";
import { Books } from "./books.tsx";
import { ExplainedGrant } from "./explained-grant.tsx";
import { Grants } from "./grants.tsx";
import { Ledger } from "./ledger.tsx";
import { Drawers, LinkSubscription, UnlinkSubscription } from "./links.tsx";
import { ArchivePool, Deduct, FreezePool, GiveCredits, UnfreezePool, VoidGrant } from "./moves.tsx";
import { rolloverWords } from "./rollover.tsx";

/** One credit pool: what is in it and until when, every credit that moved, who draws from it, and all that can be done to it. */

const PATH = "/api/v1/monetization/credits/pools";

/** What is open above the page; what it is about comes with it. */
type Opened =
  | { name: "grant" | "deduct" | "freeze" | "unfreeze" | "archive" | "link" }
  | { name: "void"; grant: Grant }
  | { name: "unlink"; subscriptionId: string };

export function Pool({ reference, id }: { reference: string; id: string }) {
  const [ref, poolId] = [encodeURIComponent(reference), encodeURIComponent(id)];
  const asked = useAsk<PoolOf>(`${PATH}/${poolId}`);
  const customer = useAsk<Customer>(`/api/v1/client/customers/${ref}`);
  const forecast = useAsk<Forecast>(`/api/v1/client/customers/${ref}/usage`);
  const now = useAsk<BalanceAt>(`/api/v1/client/credits/${ref}/pools/${poolId}/balance`);
  const [opened, setOpened] = useState<Opened>();
  const [turn, setTurn] = useState(0);
  const close = () => setOpened(undefined);
  const again = () => {
    asked.again();
    customer.again();
    forecast.again();
    now.again();
    setTurn(turn + 1);
  };
  return (
    <Answer asked={asked} what="the pool">
      {(pool) => (
        <>
          <div class="view-head">
            <div>
              <p class="crumbs">
                <a href="/console/credits">Credits</a>
              </p>
              <h1>{pool.name}</h1>
              {customer.data === undefined ? null : <CustomerLink customer={customer.data} />}
            </div>
            <Tools pool={pool} onOpen={(name) => setOpened({ name })} />
          </div>
          <Figures pool={pool} forecast={forecast.data} />
          <div class="grid" key={turn}>
            <Grants
              pool={pool}
              nowMs={now.data === undefined ? Date.now() : Date.parse(now.data.at)}
              onVoid={(grant) => setOpened({ name: "void", grant })}
            />
            <Ledger
              poolId={pool.id}
              isChangeable={pool.status === "ACTIVE" || pool.status === "DEPLETED"}
              onDone={again}
            />
            <div class="stack loose">
              <Drawers
                pool={pool}
                customer={customer.data}
                onLink={() => setOpened({ name: "link" })}
                onUnlink={(subscriptionId) => setOpened({ name: "unlink", subscriptionId })}
              />
              <BalanceOnce path={`/api/v1/client/credits/${ref}/pools/${poolId}/balance`} />
            </div>
            <div class="stack loose">
              <Terms pool={pool} forecast={forecast.data} />
            </div>
            <Books customerId={pool.customerId} />
          </div>
          {opened === undefined ? null : dialogOf(opened, { pool, onClose: close, onDone: again })}
          <Explained reference={ref} poolId={poolId} />
        </>
      )}
    </Answer>
  );
}

function dialogOf(opened: Opened, doing: Parameters<typeof GiveCredits>[0]): ComponentChildren {
  switch (opened.name) {
    case "grant":
      return <GiveCredits {...doing} />;
    case "deduct":
      return <Deduct {...doing} />;
    case "freeze":
      return <FreezePool {...doing} />;
    case "unfreeze":
      return <UnfreezePool {...doing} />;
    case "archive":
      return <ArchivePool {...doing} />;
    case "link":
      return <LinkSubscription {...doing} />;
    case "void":
      return <VoidGrant {...doing} grant={opened.grant} />;
    case "unlink":
      return <UnlinkSubscription {...doing} subscriptionId={opened.subscriptionId} />;
  }
}

function Tools({
  pool: { status },
  onOpen,
}: {
  pool: PoolOf;
  onOpen: (name: "grant" | "deduct" | "freeze" | "unfreeze" | "archive") => void;
}) {
  if (status === "ARCHIVED")
    return (
      <div class="tools">
        <Badge state={status} />
      </div>
    );
  const isFrozen = status === "FROZEN";
  return (
    <div class="tools">
      <Badge state={status} />
      {isFrozen ? (
        <button type="button" class="button main" onClick={() => onOpen("unfreeze")}>
          Unfreeze
        </button>
      ) : (
        <>
          <button type="button" class="button main" onClick={() => onOpen("grant")}>
            Grant
          </button>
          <button type="button" class="button" onClick={() => onOpen("deduct")}>
            Deduct
          </button>
          <button type="button" class="button" onClick={() => onOpen("freeze")}>
            Freeze
          </button>
        </>
      )}
      <button type="button" class="button danger" onClick={() => onOpen("archive")}>
        Archive
      </button>
    </div>
  );
}

function Figures({ pool, forecast }: { pool: PoolOf; forecast: Forecast | undefined }) {
  const ahead = forecast?.creditPools.find(({ poolId }) => poolId === pool.id);
  const until = ahead?.depletionDate14d ?? ahead?.projectedDepletionDate;
  return (
    <dl class="figures">
      <Figure
        label="Balance"
        value={count(pool.balance)}
        note={pool.held === 0 ? pool.denomination : `${count(pool.held)} of it held`}
      />
      <Figure label="Granted" value={count(pool.totalGranted)} note={`${count(pool.totalReversed)} given back`} />
      <Figure label="Used" value={count(pool.totalConsumed)} />
      <Figure label="Expired" value={count(pool.totalExpired)} note={`${count(pool.totalVoided)} voided`} />
      <Figure
        label="Lasts until"
        value={until === undefined || until === null ? "–" : day(until)}
        note={
          ahead === undefined || (ahead.burn14d ?? ahead.averageDailyBurn) === 0
            ? undefined
            : `${count(ahead.burn14d ?? ahead.averageDailyBurn)} a day ${ahead.burn14d === null ? "since it was made" : "in 14 days"}`
        }
      />
    </dl>
  );
}

function Terms({ pool, forecast }: { pool: PoolOf; forecast: Forecast | undefined }) {
  const ahead = forecast?.creditPools.find(({ poolId }) => poolId === pool.id);
  return (
    <Card title="Terms">
      <dl class="facts">
        <Fact name="At 0">{pool.hardLimit ? "usage is refused" : "usage is billed by the plan's price"}</Fact>
        <Fact name="Period's end">
          {rolloverWords(pool.rolloverPolicy, pool.rolloverCap === undefined ? undefined : count(pool.rolloverCap))}
        </Fact>
        {ahead?.pricePerCredit === undefined ? null : (
          <Fact name="Book price">{exactMoney(ahead.pricePerCredit, ahead.currency ?? "USD")} a credit</Fact>
        )}
        <Fact name="Made">
          <Time at={pool.createdAt} />
        </Fact>
        <Fact name="Id">
          <code>{pool.id}</code>
        </Fact>
      </dl>
    </Card>
  );
}

/** One grant's history, at an address of its own: `?grant=` is its place among the pool's grants, from 0. */
function Explained({ reference, poolId }: { reference: string; poolId: string }) {
  const given = place.value.query.get("grant");
  if (given === null || !/^\d+$/.test(given)) return null;
  return <ExplainedGrant key={given} reference={reference} poolId={poolId} nth={Number(given)} />;
}

function BalanceOnce({ path }: { path: string }) {
  const [local, setLocal] = useState("");
  const at = instantOf(local);
  const asked = useAsk<BalanceAt>(at === undefined ? undefined : withQuery(path, { at }));
  return (
    <Card title="What was there at an instant">
      <div class="card-body form">
        <InstantField label="At" path="at" value={local} onChange={setLocal} />
        {at === undefined ? null : (
          <Answer asked={asked} what="the balance">
            {({ balance, at: then, transaction }) => (
              <p>
                <strong>{count(balance)}</strong> credits at <Time at={then} />
                {transaction === undefined
                  ? ", before anything moved."
                  : `, left by a ${words(transaction.transactionType).toLowerCase()}.`}
              </p>
            )}
          </Answer>
        )}
      </div>
    </Card>
  );
}
