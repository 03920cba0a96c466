// Started by `measure-allocations.ts` with a young generation so large that nothing is collected while it counts.
import { PerformanceObserver } from "node:perf_hooks";
import { loadContender } from "../contenders/index.ts";
import { keepInFlight, type Lane } from "../ends/load.ts";
import { lanesOf, type Work } from "../ends/work.ts";

let doing = "starting";
let answers = 0;
setTimeout(() => {
  console.error(`Error: it is still ${doing} after 30 s, and had ${answers} answers`);
  process.exit(1);
}, 30_000).unref();

const [contender = "", work = "", count = ""] = process.argv.slice(2);
console.log(await bytesPerCall(contender, JSON.parse(work) as Work, Number(count)));
process.exit();

/** What both ends together allocate on the heap for a call, or a message of a stream, bytes. */
async function bytesPerCall(name: string, what: Work, count: number): Promise<number> {
  const { serve, connect } = await loadContender(name);
  const { port } = await serve({ port: 0 });
  const lanes = lanesOf(what, [await connect(port)])?.map(counted);
  if (lanes === undefined) throw new Error(`${name} has no such call`);
  doing = "warming up";
  const perLoad = "messages" in what ? what.messages : 1;
  // Long enough that all of it is compiled: optimised code allocates less.
  await keepInFlight(lanes, { ms: 0, calls: Math.ceil((2 * count) / perLoad) });

  doing = "measuring";
  let collections = 0;
  const observer = new PerformanceObserver((list) => (collections += list.getEntries().length));
  globalThis.gc?.();
  await new Promise((resolve) => setTimeout(resolve, 50));
  observer.observe({ entryTypes: ["gc"] });
  const before = process.memoryUsage().heapUsed;
  const { calls } = await keepInFlight(lanes, { ms: 0, calls: Math.ceil(count / perLoad) });
  const allocated = process.memoryUsage().heapUsed - before;
  await new Promise((resolve) => setTimeout(resolve, 50));
  if (collections > 0) throw new Error("something was collected meanwhile: the young generation is too small");
  return allocated / (calls * perLoad);
}

function counted(lane: Lane): Lane {
  return {
    start(done, failed) {
      lane.start(() => {
        answers++;
        done();
      }, failed);
    },
  };
}
