import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";

const KIB = 1024;

/** Every process as { id, parentId, command }: from /proc where there is one (slim images have no `ps`). */
function processes() {
  if (existsSync("/proc/self/stat")) {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((id) => {
        try {
          const [, command, rest] = /\((.*)\) (.*)/s.exec(readFileSync(`/proc/${id}/stat`, "utf8"));
          return [{ id: Number(id), parentId: Number(rest.split(" ")[1]), command }];
        } catch {
          return []; // It ended while we looked.
        }
      });
  }
  const rows = execFileSync("ps", ["-A", "-o", "pid=,ppid=,comm="], { encoding: "utf8" }).trim().split("\n");
  return rows.map((row) => {
    const [id, parentId, ...command] = row.trim().split(/\s+/);
    return { id: Number(id), parentId: Number(parentId), command: command.join(" ") };
  });
}

/** Ids of the workerd processes that `parentId` started. */
export function runtimesOf(parentId) {
  const own = processes().filter((process) => process.parentId === parentId && process.command.endsWith("workerd"));
  return new Set(own.map((process) => process.id));
}

/** Resident memory of a process in bytes, as the system counts it. */
export function memoryOf(processId) {
  if (existsSync(`/proc/${processId}/status`)) {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${processId}/status`, "utf8"))[1]) * KIB;
  }
  return Number(execFileSync("ps", ["-o", "rss=", "-p", String(processId)], { encoding: "utf8" })) * KIB;
}
